"""What is sent and asked for: the objects of the plan's studies, and the identifiers that find them."""

from collections.abc import Sequence

from pydicom.dataset import Dataset
from pydicom.uid import UID

from loadtest.objects.factory import SYNTAXES, Factory
from loadtest.objects.identity import Identities
from loadtest.objects.study import Study
from loadtest.play.traffic import Operation, Traffic

COUNT = "NumberOfStudyRelatedInstances"


def factories(traffics: Sequence[Traffic], syntax: str = "explicit", lot: int = 0) -> list[Factory]:
    """One factory a job, of a lot's objects in this transfer syntax (a key of SYNTAXES).

    NHS numbers are dealt over all jobs together: no two clusters share one.

    Jobs of one seed and the same matrices share a factory, and with it the templates. Raises TooManyPatients.
    """
    identities = Identities(one.patient for traffic in traffics for one in traffic.operations)
    made: dict[object, Factory] = {}
    found = []
    for traffic in traffics:
        key = traffic.about.seed, tuple(sorted(traffic.about.matrices.items()))
        if key not in made:
            matrices = dict(traffic.about.matrices)
            made[key] = Factory(traffic.about.seed, matrices, identities, SYNTAXES[syntax], lot)
        found.append(made[key])
    return found


def study_of(operation: Operation) -> Study:
    """The study that a store sends."""
    o = operation
    return Study(o.exam, o.modality, o.patient, o.objects, o.acquired, o.cluster, o.supplier, o.site, o.ae_title)


def identifier(factory: Factory, operation: Operation, *, with_patient: bool = False, count: bool = False) -> Dataset:
    """Asks for the study of an operation at study level (PS3.4 C.6.2.1), perhaps with its count of instances."""
    asked = Dataset()
    asked.QueryRetrieveLevel = "STUDY"
    asked.StudyInstanceUID = UID(factory.study_uid(operation.exam))
    if with_patient:
        asked.PatientID = factory.patient_id(operation.patient)
    if count:
        setattr(asked, COUNT, None)
    return asked
