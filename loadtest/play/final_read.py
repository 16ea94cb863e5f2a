"""After the play: each study that was to be stored is looked for, by C-FIND and by QIDO-RS, and its objects counted."""

from collections.abc import Sequence

from gevent.pool import Pool
from pydicom.dataset import Dataset

from loadtest.objects.uids import series_uid
from loadtest.play.archive import LEDGER_AE, Archive
from loadtest.play.studies import COUNT, identifier
from loadtest.play.tell import Progress
from loadtest.play.traffic import Operation
from loadtest.verdict.ledger import judge
from loadtest.verdict.records import StudyRow
from loadtest.wire import DicomWeb, Timeouts, WireError
from loadtest.wire.query import STUDY_ROOT_FIND

AT_ONCE = 2
BOUNDS = Timeouts(connect_s=5.0, response_s=30.0, operation_s=60.0)
COUNT_TAG = "00201208"


def read_back(archives: Sequence[Archive], studies: Sequence[tuple[Operation, StudyRow]]) -> list[str]:
    """Fill what is found of each study, and the finding. Returns what could not be asked, as lines."""
    progress = Progress("ledger", len(studies))
    troubles: dict[str, int] = {}
    pool = Pool(AT_ONCE * len(archives))
    jobs = [pool.spawn(_one, archives[operation.job], operation, row, progress, troubles) for operation, row in studies]
    for job in jobs:
        job.get()
    return [f"{what} ({n} times)" for what, n in troubles.items()]


def _one(archive: Archive, operation: Operation, row: StudyRow, progress: Progress, troubles: dict[str, int]) -> None:
    asks = {"C-FIND": _by_cfind} | ({"QIDO-RS": _by_qido} if archive.target.base_url else {})
    found: dict[str, int | None] = dict.fromkeys(asks)
    for name, ask in asks.items():
        try:
            found[name] = ask(archive, operation)
            why = "the archive refused it" if found[name] is None else ""
        except WireError as error:
            why = str(error)
        if why:
            words = f"{archive.cluster}: the final read by {name} failed: {why}"
            troubles[words] = troubles.get(words, 0) + 1
    row.found_cfind, row.found_qido = found["C-FIND"], found.get("QIDO-RS")
    judge(row)
    progress.step()


def _by_cfind(archive: Archive, operation: Operation) -> int | None:
    """Objects of the study by the archive's own count (0020,1208), or by its images where it keeps none."""
    asked = identifier(archive.factory, operation, count=True)
    with archive.associations.borrow(LEDGER_AE, "find") as line:
        found, reply = line.link.find(STUDY_ROOT_FIND, asked)
        if not reply.ok:
            return None
        told = [one.get(COUNT) for one in found]
        if all(isinstance(count, int) for count in told):
            return sum(map(int, told))
        images, reply = line.link.find(STUDY_ROOT_FIND, _images(asked, series_uid(archive.seed, operation.exam)))
        return len(images) if reply.ok else None


def _images(study: Dataset, series_uid: str) -> Dataset:
    """Asks for each image of the study's one series (PS3.4 C.6.2.1.4)."""
    asked = Dataset()
    asked.QueryRetrieveLevel = "IMAGE"
    asked.StudyInstanceUID, asked.SeriesInstanceUID = study.StudyInstanceUID, series_uid
    asked.SOPInstanceUID = None
    return asked


def _by_qido(archive: Archive, operation: Operation) -> int | None:
    """Objects of the study by the archive's own count, or by its instances where it gives none."""
    uid = archive.factory.study_uid(operation.exam)
    with DicomWeb(archive.target.base_url, BOUNDS) as web:
        found, reply = web.qido("studies", {"StudyInstanceUID": uid, "includefield": COUNT_TAG})
        if not reply.ok:
            return None
        told = [_count(one) for one in found]
        if all(count is not None for count in told):
            return sum(count or 0 for count in told)
        instances, reply = web.qido(f"studies/{uid}/instances", {})
        return len(instances) if reply.ok else None


def _count(found: dict[str, object]) -> int | None:
    element = found.get(COUNT_TAG)
    value = element.get("Value") if isinstance(element, dict) else None
    return int(value[0]) if isinstance(value, list) and value and isinstance(value[0], int | str) else None
