"""The pre-flight against archives that are well, strict, forgetful or absent: each cause named, each mend ready."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from time import monotonic
from typing import Any

import pytest
from pydicom.uid import SecondaryCaptureImageStorage
from pynetdicom import AE, DEFAULT_TRANSFER_SYNTAXES, build_context, evt

from loadtest.archives import check_commitment, check_dimse, orthanc
from loadtest.archives.check import DIMSE, WEB, preflight
from loadtest.archives.check_consent import marker
from loadtest.archives.check_result import CheckResult, Means, Preflight
from loadtest.archives.check_web import stow
from loadtest.archives.consent import STATEMENT, Consent
from loadtest.archives.launch import running
from loadtest.archives.probe import IMPLICIT, PATIENT_ID, Probe
from loadtest.archives.process import LOOPBACK, free_port
from loadtest.archives.target import Destination, Target
from loadtest.objects.factory import SYNTAXES
from loadtest.wire import StoreListener, TcpProfile, association, channel, http_channel, open_association
from tests.loadtest.archives.archive_objects import encoded
from tests.loadtest.play.test_play_commitment import reporting
from tests.loadtest.wire.test_wire_web import Web
from tests.loadtest.wire.test_wire_web import answer as http_answer

VERIFICATION, FIND, MOVE = "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.2"
Handlers = Mapping[evt.EventType, Callable[..., Any]]


def outcomes(results: list[CheckResult]) -> dict[str, str]:
    return {result.service: result.outcome for result in results}


def by_service(results: list[CheckResult]) -> dict[str, CheckResult]:
    return {result.service: result for result in results}


@contextmanager
def archive_of(handlers: Handlers, *syntaxes: str, **settings: Any) -> Iterator[Target]:
    """A pynetdicom archive that behaves as `handlers` say; with one destination of ours."""
    entity = AE("FAKE")
    for name, value in settings.items():
        setattr(entity, name, value)
    for uid in (VERIFICATION, FIND, MOVE, SecondaryCaptureImageStorage):
        entity.add_supported_context(uid, list(syntaxes) or DEFAULT_TRANSFER_SYNTAXES)
    server = entity.start_server((LOOPBACK, 0), block=False, evt_handlers=list(handlers.items()))
    assert server is not None
    ours = [Destination(ae_title="LISTENER", port=free_port())]
    try:
        yield Target(name="fake", port=int(server.server_address[1]), ae_title="FAKE", destinations=ours)
    finally:
        Thread(target=entity.shutdown, daemon=True).start()  # it takes half a second, and nobody needs it done


def test_embedded_passes_all_that_it_offers(embedded: Target) -> None:
    before = embedded.count_instances()
    results = preflight(embedded)
    assert outcomes(results) == dict.fromkeys((*DIMSE, *WEB), "ok") | {"commitment": "not offered"}
    assert embedded.count_instances() == (before or 0) + 2
    assert all(result.line().startswith(result.service) and result.seconds > 0 for result in results)


def test_orthanc_passes_everything() -> None:
    with running("orthanc", "Orthanc", {"LISTENER": (LOOPBACK, free_port())}) as target:
        results = preflight(target)
    assert outcomes(results) == dict.fromkeys((*DIMSE, *WEB), "ok"), results


@pytest.mark.parametrize("name", ["implicit", "jpeg-ls", "jpeg-2000", "rle"])
def test_objects_are_of_the_syntax_that_is_to_be_played(embedded: Target, name: str) -> None:
    results = by_service(preflight(embedded, means=Means(syntax=str(SYNTAXES[name]))))
    assert {results[service].outcome for service in ("store", "find", "get", "stow", "qido", "wado")} == {"ok"}, results
    assert (SYNTAXES[name].name in results["store"].cause) == (name != "implicit")
    data = Probe().encoded(str(SYNTAXES[name]))
    assert f"{SYNTAXES[name]}\0".encode()[:20] in Probe().file(str(SYNTAXES[name]))
    assert b"SYNTHETIC - NOT FOR DIAGNOSIS" in data


def test_a_syntax_that_is_not_accepted_is_told_before_the_play() -> None:
    with archive_of({evt.EVT_C_STORE: lambda event: 0}, IMPLICIT) as target:
        result = by_service(preflight(target, means=Means(syntax=str(SYNTAXES["jpeg-ls"]))))["store"]
    assert result.outcome == "not offered"
    assert f"no presentation context for {SecondaryCaptureImageStorage} in {SYNTAXES['jpeg-ls']}" in result.cause


def test_it_connects_as_the_play_will(embedded: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[TcpProfile] = []

    def connecting(host: str, port: int, profile: TcpProfile, *more: Any) -> Any:
        used.append(profile)
        return connect(host, port, profile, *more)

    connect = channel.connect
    for module in (association, http_channel):
        monkeypatch.setattr(module, "connect", connecting)
    preflight(embedded, means=Means(TcpProfile.MODALITY))
    assert len(used) >= 7
    assert set(used) == {TcpProfile.MODALITY}


def test_abort_after_echo_names_the_list_and_prints_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every vendor's first day: Orthanc with its list of modalities and none of us in it."""
    open_to_all = orthanc.configuration

    def strict(*arguments: Any) -> dict[str, Any]:
        switches = {f"DicomAlwaysAllow{service}": False for service in ("Find", "Get", "Move")}
        return {**open_to_all(*arguments), "DicomModalities": {}, **switches}

    monkeypatch.setattr(orthanc, "configuration", strict)
    with running("orthanc", "Orthanc", {"LISTENER": (LOOPBACK, 11113)}) as target:
        results = by_service(preflight(target))
    assert {results[name].outcome for name in ("echo", "store", "stow", "qido", "wado")} == {"ok"}
    for name in ("find", "get", "move", "commitment"):
        assert results[name].outcome == "refused"
        assert "list of remote AE titles" in results[name].mend
    lines = results["find"].mend.partition("orthanc.json:\n")[2].partition("\nDCMTK")[0]
    assert json.loads("{" + lines + "}") == {
        "DicomModalities": {"filmless": ["FILMLESS", LOOPBACK, 11113], "listener": ["LISTENER", LOOPBACK, 11113]},
        "DicomAlwaysAllowFind": True,
    }


def test_nobody_there() -> None:
    target = Target(name="x", port=free_port(), ae_title="X", base_url=f"http://{LOOPBACK}:{free_port()}/dicom-web")
    results = by_service(preflight(target))
    assert (results["echo"].outcome, results["stow"].outcome) == ("failed", "failed")
    assert "correct host and port" in results["echo"].mend
    assert {results[name].outcome for name in ("find", "move", "wado")} == {"not asked"}


@pytest.mark.parametrize(
    ("settings", "cause", "mend"),
    [
        ({"require_calling_aet": ["OTHER"]}, "calling AE title not recognised", '"FILMLESS"'),
        ({"require_called_aet": True, "ae_title": "ELSE"}, "called AE title not recognised", "ae_title in the target"),
    ],
)
def test_rejections_are_told_in_words(settings: dict[str, Any], cause: str, mend: str) -> None:
    with archive_of({}, **settings) as target:
        result = preflight(target)[0]
    assert (result.service, result.outcome) == ("echo", "refused")
    assert cause in result.cause
    assert mend in result.mend


def test_success_that_is_none() -> None:
    """An archive that acknowledges and forgets, and that reports moves it never made."""

    def moves_nothing(event: evt.Event) -> Iterator[Any]:
        yield LOOPBACK, sink.port, {"ae_title": "SINK", "contexts": [build_context(SecondaryCaptureImageStorage)]}
        yield 1
        yield 0xFF00, Probe(study=str(event.identifier.StudyInstanceUID)).data_set_with_meta()

    handlers: Handlers = {
        evt.EVT_C_STORE: lambda event: 0,
        evt.EVT_C_FIND: lambda event: iter(()),
        evt.EVT_C_MOVE: moves_nothing,
    }
    with StoreListener("SINK") as sink, archive_of(handlers) as target, pytest.MonkeyPatch.context() as patch:
        patch.setattr(check_dimse, "INDEXED_WITHIN_S", 0.2)
        patch.setattr(check_dimse, "ARRIVES_WITHIN_S", 0.2)
        results = by_service(preflight(target))
    assert (results["store"].outcome, "implicit VR" in results["store"].cause) == ("ok", False)
    assert "not found within" in results["find"].cause
    assert "nothing arrived at LISTENER" in results["move"].cause
    assert (results["get"].outcome, results["commitment"].outcome) == ("not offered", "not offered")


def test_an_archive_that_sends_by_another_ae_title_is_told_how_to_say_so() -> None:
    def moves(event: evt.Event) -> Iterator[Any]:
        contexts = [build_context(SecondaryCaptureImageStorage)]
        yield LOOPBACK, target.destinations[0].port, {"ae_title": "LISTENER", "contexts": contexts}
        yield 1
        yield 0xFF00, stored[-1]

    def keep_it(event: evt.Event) -> int:
        data = event.dataset
        data.file_meta = event.file_meta
        stored.append(data)
        return 0

    stored: list[Any] = []
    handlers: Handlers = {
        evt.EVT_C_STORE: keep_it, evt.EVT_C_MOVE: moves, evt.EVT_C_FIND: lambda event: iter(()),
    }  # fmt: skip
    with archive_of(handlers) as target, pytest.MonkeyPatch.context() as patch:
        patch.setattr(check_dimse, "INDEXED_WITHIN_S", 0.2)
        target = target.model_copy(update={"ae_title": "FAKE_STORES"})
        result = by_service(preflight(target))["move"]
        assert result.outcome != "ok"
        assert "did not call himself 'FAKE_STORES'" in result.mend
        assert "calling_ae in [[destinations]]" in result.mend
        known = target.destinations[0].model_copy(update={"calling_ae": "FAKE"})
        target = target.model_copy(update={"destinations": [known]})
        assert by_service(preflight(target))["move"].outcome == "ok"


def test_an_archive_of_implicit_vr_only_is_used_and_told() -> None:
    with archive_of({evt.EVT_C_STORE: lambda event: 0}, IMPLICIT) as target:
        result = by_service(preflight(target))["store"]
    assert (result.outcome, "implicit VR" in result.cause) == ("ok", True)


def test_a_refusal_carries_the_archives_words() -> None:
    with archive_of({evt.EVT_C_STORE: lambda event: 0xA700}) as target:
        result = by_service(preflight(target))["store"]
    assert (result.outcome, "A700H (Failure)" in result.cause) == ("refused", True)


def test_unknown_destination_prints_the_lines(embedded: Target) -> None:
    other = embedded.model_copy(update={"destinations": [Destination(ae_title="STRANGER", port=free_port())]})
    result = by_service(preflight(other))["move"]
    assert (result.outcome, "STRANGER" in result.mend) == ("refused", True)


def test_a_commitment_reported_where_it_was_asked_for_while_we_listen() -> None:
    ours = [Destination(ae_title="LISTENER", port=free_port())]
    with reporting() as peer:
        target = Target(name="fake", port=peer.port, ae_title="ARCHIVE", destinations=ours)
        began = monotonic()
        result = check_commitment.commitment(Preflight(target))
        assert monotonic() - began < check_commitment.REPORT_WITHIN_S  # it was not looked for at the listener first
    assert (result.outcome, result.cause) == ("ok", "the archive commits to the object stored")


def test_without_destination_or_web_root_it_says_so(embedded: Target) -> None:
    bare = embedded.model_copy(update={"destinations": [], "base_url": ""})
    results = by_service(preflight(bare))
    assert (results["move"].outcome, "[[destinations]]" in results["move"].mend) == ("not asked", True)
    assert {results[name].outcome for name in WEB} == {"not asked"}


@pytest.mark.parametrize(("status", "says"), [(401, "FILMLESS_WEB_TOKEN"), (404, "base_url"), (500, "")])
def test_web_refusals(embedded: Target, status: int, says: str) -> None:
    class Refuses(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_error(status)

        do_GET = do_POST

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = HTTPServer((LOOPBACK, 0), Refuses)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    url = f"http://{LOOPBACK}:{server.server_address[1]}/dicom-web"
    try:
        result = by_service(preflight(embedded.model_copy(update={"base_url": url})))["stow"]
    finally:
        server.shutdown()
        server.server_close()
    assert (result.outcome, f"HTTP {status}" in result.cause, says in result.mend) == ("refused", True, True)


def test_credentials_that_cannot_be_sent_are_named(embedded: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FILMLESS_WEB_TOKEN", "planted\n")
    results = by_service(preflight(embedded))
    assert {results[name].outcome for name in WEB} == {"not asked"}
    assert results["qido"].cause.startswith("FILMLESS_WEB_TOKEN holds")
    assert "planted" not in str(results)


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_a_200_that_does_not_name_the_object_is_no_success(embedded: Target, body: bytes) -> None:
    with Web(http_answer(body), http_answer(b"[]")).door as door:
        url = f"http://{LOOPBACK}:{door.getsockname()[1]}/base"
        result = stow(Preflight(embedded.model_copy(update={"base_url": url})))
    assert (result.outcome, "does not name the object as stored" in result.cause) == ("failed", True)


def remote(local: Target, **more: Any) -> Target:
    """A target that says it is far away, and whose pinned address is this machine."""
    consent = Consent(
        statement=STATEMENT,
        owner="Test Trust",
        agreed_by="A. Person",
        agreed_on=date(2026, 1, 1),
        valid_until=date(2026, 1, 31),
        hours=[0, 24],
        images_per_s=1.0,
        gigabytes=1.0,
        minutes=1.0,
        modalities=["CT"],
        network="private",
    )
    return Target(
        name="far", host="192.0.2.7", port=local.port, ae_title=local.ae_title, allow_remote=True, consent=consent,
        address=LOOPBACK, **more,
    )  # fmt: skip


def keep(target: Target, *patients: str) -> None:
    uid = SecondaryCaptureImageStorage
    with open_association(target.peer(), "OWNER", [(uid, ["1.2.840.10008.1.2.1"])]) as association:
        for patient in patients:
            probe = Probe()
            data = probe.data_set()
            data.PatientID, data.IssuerOfPatientID = patient, ""
            association.store(uid, probe.instance, "1.2.840.10008.1.2.1", [encoded(data)])


def test_a_remote_archive_agrees_by_its_marker_study() -> None:
    """Rules S5 and S7: nothing but the question is sent before the marker is found."""
    with running("embedded", "Archive") as local:
        target = remote(local)
        first = by_service(preflight(target))
        assert (first["consent"].outcome, marker(target) in first["consent"].mend) == ("refused", True)
        assert {first[name].outcome for name in (*DIMSE, *WEB)} == {"not asked"}
        assert local.count_instances() == 0

        keep(target, marker(target), PATIENT_ID)
        assert by_service(preflight(target))["consent"].outcome == "ok"

        keep(target, "SOMEBODY")
        strangers = by_service(preflight(target))["consent"]
        assert (strangers.outcome, "1 studies that are not ours" in strangers.cause) == ("refused", True)
        meant = by_service(preflight(remote(local, production=True)))
        assert (meant["consent"].outcome, meant["store"].outcome) == ("ok", "ok")


def test_the_probe_is_marked_as_synthetic() -> None:
    data = Probe().data_set()
    assert data.SyntheticData == "YES"
    assert str(data.PatientName).startswith("TEST^")
    assert "SYNTHETIC" in data.SeriesDescription
    assert Probe().study != Probe().study
