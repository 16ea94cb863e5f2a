"""The keys of the index: which attributes are kept, at which level, and how each is matched (PS3.4 C.6.1, C.6.2)."""

from dataclasses import dataclass
from enum import IntEnum

from pydicom.datadict import dictionary_VR, tag_for_keyword


class Level(IntEnum):
    """Levels of the query/retrieve information models, top down (PS3.4 C.6.1.1)."""

    PATIENT = 0
    STUDY = 1
    SERIES = 2
    IMAGE = 3


UNIQUE = {
    Level.PATIENT: "PatientID",
    Level.STUDY: "StudyInstanceUID",
    Level.SERIES: "SeriesInstanceUID",
    Level.IMAGE: "SOPInstanceUID",
}
PATIENT = ("PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "PatientSex")
STUDY = (
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "StudyID",
    "StudyDescription",
    "ReferringPhysicianName",
)
SERIES = (
    "SeriesInstanceUID",
    "Modality",
    "SeriesNumber",
    "SeriesDate",
    "SeriesTime",
    "SeriesDescription",
    "BodyPartExamined",
    "InstitutionName",
    "StationName",
    "Manufacturer",
)
IMAGE = ("SOPInstanceUID", "SOPClassUID", "InstanceNumber", "AcquisitionDate", "NumberOfFrames", "Rows", "Columns")

_COUNT = "(SELECT count(*) FROM {0} AS inner_{0} WHERE inner_{0}.{1} = {2}.{1})"
_MODALITIES = (
    "(SELECT group_concat(Modality, char(92)) FROM"
    " (SELECT DISTINCT Modality FROM series AS kinds WHERE kinds.study = studies.study AND Modality <> ''))"
)
_OF_PATIENT = "(SELECT count(*) FROM studies AS other {} WHERE other.PatientID = studies.PatientID)"
COMPUTED = {
    "NumberOfPatientRelatedStudies": (Level.PATIENT, _OF_PATIENT.format("")),
    "NumberOfPatientRelatedSeries": (Level.PATIENT, _OF_PATIENT.format("JOIN series USING (study)")),
    "NumberOfPatientRelatedInstances": (Level.PATIENT, _OF_PATIENT.format("JOIN instances USING (study)")),
    "NumberOfStudyRelatedSeries": (Level.STUDY, _COUNT.format("series", "study", "studies")),
    "NumberOfStudyRelatedInstances": (Level.STUDY, _COUNT.format("instances", "study", "studies")),
    "ModalitiesInStudy": (Level.STUDY, _MODALITIES),
    "NumberOfSeriesRelatedInstances": (Level.SERIES, _COUNT.format("instances", "series", "series")),
}


@dataclass(frozen=True, slots=True)
class Key:
    """One attribute of the index. `sql` is its column or the expression that computes it."""

    keyword: str
    level: Level
    vr: str
    sql: str


def _stored() -> dict[str, Key]:
    tables = {"studies": (Level.PATIENT, PATIENT), "series": (Level.SERIES, SERIES), "instances": (Level.IMAGE, IMAGE)}
    levels = [("studies", Level.STUDY, STUDY)] + [(table, level, words) for table, (level, words) in tables.items()]
    return {word: Key(word, level, _vr(word), f"{table}.{word}") for table, level, words in levels for word in words}


def _vr(keyword: str) -> str:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    return dictionary_VR(tag)


def _computed() -> dict[str, Key]:
    return {word: Key(word, level, _vr(word), sql) for word, (level, sql) in COMPUTED.items()}


KEYS: dict[str, Key] = _stored() | _computed()
