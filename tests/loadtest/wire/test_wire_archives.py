"""Against real archives: Orthanc for every service, DCMTK's storescp for storage."""

import hashlib

from pydicom.dataset import Dataset

from loadtest.wire import CountingSink, DicomWeb, Peer, StoreListener, TcpProfile, open_association
from loadtest.wire.dicomweb import FRAMES
from loadtest.wire.query import STUDY_ROOT_FIND, STUDY_ROOT_GET, STUDY_ROOT_MOVE
from tests.loadtest.wire.wire_servers import CT, EXPLICIT, QUICK, STUDY, Orthanc, dataset, encoded, part10

IMPLICIT = "1.2.840.10008.1.2"
VERIFICATION = "1.2.840.10008.1.1"


def study_query(study: str) -> Dataset:
    query = Dataset()
    query.QueryRetrieveLevel, query.StudyInstanceUID, query.PatientID = "STUDY", study, ""
    return query


def store(peer: Peer, study: str, objects: int) -> None:
    with open_association(peer, "TESTER", [(CT, [EXPLICIT])], timeouts=QUICK) as link:
        for number in range(objects):
            ds = dataset(number, study=study)
            reply = link.store(CT, ds.SOPInstanceUID, EXPLICIT, (encoded(ds),))
            assert (reply.status, reply.ok, reply.category) == (0, True, "Success")
            assert reply.sent <= reply.first_byte <= reply.end


def test_echo_and_store_into_dcmtk_with_both_profiles(storescp: Peer) -> None:
    for profile in (TcpProfile.TUNED, TcpProfile.MODALITY, TcpProfile("ethernet", True, True, 1460)):
        contexts = [(VERIFICATION, [IMPLICIT]), (CT, [EXPLICIT])]
        with open_association(storescp, "TESTER", contexts, timeouts=QUICK, profile=profile) as link:
            assert link.echo().status == 0
            for number in range(3):
                ds = dataset(number, pixels=524288)
                raw = encoded(ds)
                assert link.store(CT, ds.SOPInstanceUID, EXPLICIT, (raw[:1001], memoryview(raw)[1001:])).status == 0
        assert not link.is_open


def test_a_connection_sends_by_the_profiles_algorithm_whatever_the_machines_own_is(storescp: Peer) -> None:
    for wanted, used in ((("no-such", "reno"), {"reno"}), (("cubic", "reno"), {"cubic", "reno"})):
        by = TcpProfile("by", True, True, congestion=wanted)
        with open_association(storescp, "TESTER", [(VERIFICATION, [IMPLICIT])], timeouts=QUICK, profile=by) as link:
            assert link.channel.congestion in used  # CUBIC may be root's alone


def test_orthanc_find_get_move(orthanc: Orthanc) -> None:
    study = STUDY + ".1"
    store(orthanc.peer, study, 3)
    models = [
        (STUDY_ROOT_FIND, [EXPLICIT]),
        (STUDY_ROOT_MOVE, [IMPLICIT]),
        (STUDY_ROOT_GET, [EXPLICIT]),
        (CT, [EXPLICIT]),
    ]
    with open_association(orthanc.peer, "TESTER", models, timeouts=QUICK, scp_roles=[CT]) as link:
        answers, reply = link.find(STUDY_ROOT_FIND, study_query(study))
        assert (len(answers), answers[0].PatientID, reply.status, reply.cut) == (1, "P1", 0, 0)
        sink = CountingSink(hashing=True)
        got = link.get(STUDY_ROOT_GET, study_query(study), sink)
        assert (got.status, got.completed, got.failed, sink.objects) == (0, 3, 0, 3)
        want = {f"{study}.9.{n + 1}": hashlib.sha256(encoded(dataset(n, study=study))).hexdigest() for n in range(3)}
        assert sink.hashes.keys() == want.keys()
        with StoreListener("MOVER", port=orthanc.mover_port, only_expected=True, hashing=True) as listener:
            arrival = listener.expect(study)
            moved = link.move(STUDY_ROOT_MOVE, study_query(study), "MOVER")
            assert listener.wait(study, 3, 5.0)
            assert (moved.status, moved.completed, arrival.objects) == (0, 3, 3)
            assert arrival.hashes == sink.hashes
            assert arrival.first_byte <= arrival.first_object <= arrival.last_object
            assert not listener.strangers


def test_orthanc_dicomweb(orthanc: Orthanc) -> None:
    study = STUDY + ".2"
    with DicomWeb(orthanc.web, QUICK, environment={}) as web:
        stored = web.stow([part10(dataset(n, study=study)) for n in range(5)])
        assert (stored.status, stored.stored, stored.failed, stored.ok) == (200, 5, 0, True)
        found, reply = web.qido("instances", {"StudyInstanceUID": study}, page=2)
        assert (len(found), reply.status, reply.requests) == (5, 200, 3)
        got = web.wado_study(study, hashing=True)
        assert (got.status, got.objects, len(set(got.hashes))) == (200, 5, 5)
        assert got.sent <= got.first_byte <= got.first_part <= got.end
        assert got.bytes >= 5 * 4096
        path = f"studies/{study}/series/{study}.8/instances/{study}.9.1"
        metadata, reply = web.wado_metadata(f"studies/{study}")
        assert (len(metadata), reply.status) == (5, 200)
        frame = web.wado(f"{path}/frames/1", media=FRAMES)
        assert (frame.status, frame.objects, frame.bytes) == (200, 1, 4096)
        rendered = web.wado_rendered(path, "image/png")
        assert (rendered.status, rendered.objects) == (200, 1)
        assert rendered.bytes > 0
        missing = web.wado_study("1.2.3.4")
        assert missing.status == 404
        assert not missing.ok
        bad = web.stow([part10(dataset(9, study=study)), b"this is no DICOM file"])
        assert (bad.status, bad.ok) == (400, False)
        assert bad.detail.startswith("400 ")
