"""The factory: any object of any study, from its template, in microseconds."""

from io import BytesIO
from struct import pack

from pydicom.uid import UID, ExplicitVRLittleEndian

from loadtest.objects.identity import NAME_WIDTH, Identities
from loadtest.objects.kinds import KINDS
from loadtest.objects.study import Study
from loadtest.objects.template import Template, make_template
from loadtest.objects.uids import IMPLEMENTATION_UID, instance_uid, series_uid, study_uid

Matrix = tuple[int, int, int]


class Factory:
    """Makes the objects of one seed.

    matrices: rows, columns and bytes a pixel of each modality, as the traffic's metadata has them.
    """

    def __init__(self, seed: int, matrices: dict[str, Matrix], identities: Identities,
                 transfer_syntax: UID = ExplicitVRLittleEndian) -> None:  # fmt: skip
        self._seed, self._matrices, self._identities = seed, matrices, identities
        self.transfer_syntax = transfer_syntax
        self._templates: dict[str, Template] = {}
        self._study: tuple[Study, dict[str, str]] | None = None

    def sop_class(self, modality: str) -> str:
        """SOP Class UID of a modality's images."""
        return str(KINDS[modality].sop_class)

    def study_uid(self, exam: int) -> str:
        """Study Instance UID of an exam."""
        return study_uid(self._seed, exam)

    def instance_uid(self, exam: int, number: int) -> str:
        """SOP Instance UID of an exam's object."""
        return instance_uid(self._seed, exam, number)

    def patient_id(self, key: int) -> str:
        """Patient ID of a patient key."""
        return self._identities[key].patient_id

    def prepare(self, modality: str) -> Template:
        """The template of a modality, made at its first use (up to a second)."""
        if modality not in self._templates:
            self._templates[modality] = make_template(modality, *self._matrices[modality], self.transfer_syntax)
        return self._templates[modality]

    def parts(self, study: Study, number: int) -> tuple[bytes, memoryview]:
        """An object's data set in two parts: its own head, and the pixels that its kind shares."""
        template = self.prepare(study.modality)
        values = self._of_study(study) | {
            "instance": instance_uid(self._seed, study.exam, number),
            "number": f"{number + 1:04d}",
            "position": f"{-900.0 + number % 1000 * 0.5:06.1f}"[:6],
        }
        return template.fill(values), template.pixels

    def encode(self, study: Study, number: int) -> bytes:
        """An object's data set, ready for P-DATA."""
        return b"".join(self.parts(study, number))

    def file_bytes(self, study: Study, number: int) -> bytes:
        """An object as a Part 10 file (PS3.10 7.1)."""
        meta = _meta(self.sop_class(study.modality), instance_uid(self._seed, study.exam, number), self.transfer_syntax)
        return b"\0" * 128 + b"DICM" + meta + self.encode(study, number)

    def _of_study(self, study: Study) -> dict[str, str]:
        """What all objects of a study share; kept for the study at hand."""
        if self._study is not None and self._study[0] is study:
            return self._study[1]
        patient, s = self._identities[study.patient], self._seed
        values = {
            "study": study_uid(s, study.exam),
            "series": series_uid(s, study.exam),
            "frame": instance_uid(s, study.exam, 9999),
            "date": f"{study.acquired:%Y%m%d}",
            "time": f"{study.acquired:%H%M%S}",
            "patient_id": patient.patient_id,
            "nhs": patient.nhs_number,
            "name": patient.name.ljust(NAME_WIDTH),
            "born": f"{patient.birth_date:%Y%m%d}",
            "accession": f"FL{study.exam:012d}",
            "ae": study.ae_title.ljust(16),
            "institution": f"SYNTHETIC {study.site}"[:23].ljust(23),
        }
        self._study = (study, values)
        return values


def _element(tag: int, vr: bytes, value: bytes) -> bytes:
    """One explicit VR little endian element of group 0002 (PS3.5 7.1.2)."""
    value += b"\0" * (len(value) % 2)
    length = pack("<HI", 0, len(value)) if vr == b"OB" else pack("<H", len(value))
    return pack("<HH", 2, tag) + vr + length + value


def _meta(sop_class: str, instance: str, transfer_syntax: UID) -> bytes:
    """File meta information with its group length."""
    body = BytesIO()
    body.write(_element(0x01, b"OB", b"\0\1"))
    for tag, uid in ((0x02, sop_class), (0x03, instance), (0x10, str(transfer_syntax)), (0x12, IMPLEMENTATION_UID)):
        body.write(_element(tag, b"UI", uid.encode()))
    return _element(0x00, b"UL", pack("<I", len(body.getvalue()))) + body.getvalue()
