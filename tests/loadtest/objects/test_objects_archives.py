"""Objects of all kinds through real archives: stored by C-STORE and STOW-RS, read back as they were sent."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pydicom
import pytest
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from loadtest.archives.launch import running
from loadtest.archives.target import Target
from loadtest.objects.factory import Factory
from loadtest.objects.identity import Identities
from loadtest.objects.kinds import KINDS
from loadtest.objects.study import Study
from loadtest.wire import DicomWeb, open_association

MakeStudy = Callable[..., Study]
SMALL = dict.fromkeys(KINDS, (64, 80, 2)) | {"US": (64, 80, 3), "RF": (51, 67, 1)}


def send(target: Target, factory: Factory, studies: list[Study]) -> None:
    """C-STORE of two objects of each study, from the parts that share their pixels."""
    syntax = str(factory.transfer_syntax)
    contexts = [(factory.sop_class(one.modality), [syntax]) for one in studies]
    with open_association(target.peer(), "TESTER", contexts) as association:
        for one in studies:
            for number in range(2):
                uid, parts = factory.instance_uid(one.exam, number), factory.parts(one, number)
                assert association.store(factory.sop_class(one.modality), uid, syntax, parts).status == 0


def fetch(target: Target, study_uid: str, folder: Path) -> dict[str, pydicom.Dataset]:
    """All instances of a study by DCMTK's C-GET, by instance UID."""
    command = ["/usr/bin/getscu", "-S", "-od", str(folder), "-aec", target.ae_title, target.host, str(target.port)]
    command += ["-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study_uid}"]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    found = [pydicom.dcmread(path) for path in folder.iterdir()]
    return {d.SOPInstanceUID: d for d in found}


@pytest.mark.parametrize(
    ("kind", "syntax"),
    [
        ("embedded", ExplicitVRLittleEndian),
        ("orthanc", ExplicitVRLittleEndian),
        ("orthanc", ImplicitVRLittleEndian),
    ],
)
def test_all_kinds_are_stored_and_read_back_as_sent(
    kind: Literal["embedded", "orthanc"], syntax: UID, study: MakeStudy, tmp_path: Path
) -> None:
    factory = Factory(11, SMALL, Identities([123]), syntax)
    studies = [study(modality, exam=100 + n) for n, modality in enumerate(KINDS)]
    with running(kind, "objects") as target:
        send(target, factory, studies)
        assert target.count_instances() == 2 * len(studies)
        for one in studies:
            folder = tmp_path / one.modality
            folder.mkdir()
            found = fetch(target, factory.study_uid(one.exam), folder)
            assert set(found) == {factory.instance_uid(one.exam, number) for number in range(2)}
            for number in range(2):
                sent = tmp_path / "sent.dcm"
                sent.write_bytes(factory.file_bytes(one, number))
                assert found[factory.instance_uid(one.exam, number)] == pydicom.dcmread(sent)


def test_files_are_stored_over_the_web(study: MakeStudy) -> None:
    factory = Factory(11, SMALL, Identities([123]))
    files = [factory.file_bytes(study(modality, exam=100 + n), 0) for n, modality in enumerate(KINDS)]
    with running("orthanc", "objects") as target:
        client = DicomWeb(target.base_url)
        reply = client.stow(files)
        client.close()
        assert (reply.stored, reply.failed) == (len(KINDS), 0)
        assert target.count_instances() == len(KINDS)
