"""The factory: any object of any study, from its template, in microseconds."""

from collections.abc import Mapping
from functools import lru_cache

from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from loadtest.objects.encapsulated import check_encoder
from loadtest.objects.identity import Identities
from loadtest.objects.kinds import KINDS
from loadtest.objects.part10 import file_head
from loadtest.objects.study import Study
from loadtest.objects.template import MARK, Template, make_template
from loadtest.objects.uids import (
    EXAMS,
    OBJECTS,
    Instances,
    frame_uid,
    instance_uid,
    lot_seed,
    series_uid,
    study_uid,
)
from loadtest.wire.repeated import Repeated

Matrix = tuple[int, int, int]
SYNTAXES = {
    "explicit": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "jpeg-ls": JPEGLSLossless,
    "jpeg-2000": JPEG2000Lossless,
    "htj2k": HTJ2KLossless,
    "rle": RLELossless,
}
ACCESSION_PREFIX = "FL"  # before twelve digits
STUDIES_AT_HAND = 256  # heads kept, a few kB each: as many devices send at once


class Factory:
    """Makes the objects of one seed.

    matrices: rows, columns and bytes a pixel (1, 2, or 3 for RGB) of each modality, as the traffic's metadata has
    them. Any will do, though the standard allows RGB only in ultrasound and bytes not in CT and MR; below 64 by 40
    pixels the burnt-in words are cut.

    Objects of one modality share their pixels but for a mark in the first sixteen, which no two objects of a seed
    have alike. Another `lot` of the same seed has other UIDs, accession numbers and marks, and all else the same.

    Raises ValueError: a matrix that cannot be, a modality or transfer syntax that is not made here.
    """

    def __init__(
        self,
        seed: int,
        matrices: Mapping[str, Matrix],
        identities: Identities,
        transfer_syntax: UID = ExplicitVRLittleEndian,
        lot: int = 0,
    ) -> None:
        if transfer_syntax not in SYNTAXES.values():
            allowed = ", ".join(f"{one} ({one.name})" for one in SYNTAXES.values())
            raise ValueError(f"transfer syntax {transfer_syntax}: objects are made in {allowed}")
        check_encoder(transfer_syntax)
        for modality, matrix in matrices.items():
            _check(modality, matrix)
        self._seed, self._matrices, self._identities = lot_seed(seed, lot), dict(matrices), identities
        self._lot = lot
        self.transfer_syntax = transfer_syntax
        self._templates: dict[str, Template] = {}
        self._head_of = lru_cache(STUDIES_AT_HAND)(self._make_head)

    def sop_class(self, modality: str) -> str:
        """SOP Class UID of a modality's images."""
        _known(modality)
        return str(KINDS[modality].sop_class)

    def study_uid(self, exam: int) -> str:
        """Study Instance UID of an exam."""
        return study_uid(self._seed, exam)

    def series_uid(self, exam: int) -> str:
        """Series Instance UID of an exam's one series."""
        return series_uid(self._seed, exam)

    def instance_uid(self, exam: int, number: int) -> str:
        """SOP Instance UID of an exam's object."""
        return instance_uid(self._seed, exam, number)

    def instances(self, exam: int, objects: int) -> Instances:
        """Whether a SOP Instance UID is one of an exam's objects, without making them all."""
        return Instances(self.study_uid(exam), objects)

    def patient_id(self, key: int) -> str:
        """Patient ID of a patient key."""
        return self._identities[key].patient_id

    def prepare(self, modality: str) -> Template:
        """The template of a modality, made at its first use (up to a second)."""
        if modality not in self._templates:
            if modality not in self._matrices:
                have = ", ".join(sorted(self._matrices)) or "none"
                raise ValueError(f"no matrix for modality '{modality}': there are {have}; add it to the matrices")
            self._templates[modality] = make_template(modality, *self._matrices[modality], self.transfer_syntax)
        return self._templates[modality]

    def parts(self, study: Study, number: int) -> tuple[bytes, Repeated]:
        """An object's data set in two parts: a head of its own (fields and the mark), and the pixels after the mark.

        number: from 0 below 10,000. The second part is the template's own, the same for each object.
        """
        template, instance = self.prepare(study.modality), instance_uid(self._seed, study.exam, number)
        values = {"instance": instance, "number": f"{number + 1:05d}", "slice": f"{number - 5000:+07.1f}"}
        head = template.fill(self._head_of(study), values, self._number(study.exam) * OBJECTS + number)
        return head, template.pixels

    def encode(self, study: Study, number: int) -> bytes:
        """An object's data set, ready for P-DATA."""
        return b"".join(self.parts(study, number))

    def file_bytes(self, study: Study, number: int) -> bytes:
        """An object as a Part 10 file (PS3.10 7.1)."""
        instance = instance_uid(self._seed, study.exam, number)
        head = file_head(self.sop_class(study.modality), instance, str(self.transfer_syntax))
        return b"".join((head, *self.parts(study, number)))

    def _number(self, exam: int) -> int:
        """Where UIDs do not tell lots apart: the exam's number, moved by the lot."""
        return (exam + self._lot) % EXAMS

    def _make_head(self, study: Study) -> bytes:
        """The head with what all objects of a study share."""
        patient, seed, template = self._identities[study.patient], self._seed, self.prepare(study.modality)
        at = study.acquired
        values = {
            "study": study_uid(seed, study.exam),
            "series": series_uid(seed, study.exam),
            "frame": frame_uid(seed, study.exam),
            "date": f"{at.year:04d}{at.month:02d}{at.day:02d}",
            "time": f"{at.hour:02d}{at.minute:02d}{at.second:02d}",
            "patient_id": patient.patient_id,
            "nhs": patient.nhs_number,
            "name": patient.name,
            "born": patient.birth_date.isoformat().replace("-", ""),
            "sex": patient.sex,
            "accession": f"{ACCESSION_PREFIX}{self._number(study.exam):012d}",
            "ae": study.ae_title.ljust(16),
            "institution": f"SYNTHETIC {study.site}".ljust(24),
        }
        return template.fill(template.head, values)


def _known(modality: str) -> None:
    if modality not in KINDS:
        raise ValueError(f"modality '{modality}' is not made here: take one of {', '.join(KINDS)}")


def _check(modality: str, matrix: Matrix) -> None:
    """Rows and Columns are 16-bit numbers (PS3.3 C.7.6.3.1); the mark needs sixteen pixels."""
    _known(modality)
    rows, columns, depth = matrix
    if not (1 <= rows <= 65_535 and 1 <= columns <= 65_535 and rows * columns >= MARK and depth in (1, 2, 3)):
        raise ValueError(
            f"matrix {rows} x {columns} x {depth} of {modality}: rows and columns go from 1 to 65,535 with at least "
            f"{MARK} pixels in all, bytes a pixel are 1, 2 or 3 (RGB)"
        )
