"""After the play: each study that was to be stored is looked for, by C-FIND and by QIDO-RS, and its objects counted."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from gevent import joinall, spawn
from gevent.pool import Pool
from pydicom.dataset import Dataset

from loadtest.objects.uids import series_uid
from loadtest.play.archive import LEDGER_AE, Archive
from loadtest.play.entries import Entry
from loadtest.play.patience import BOUNDS, Patience
from loadtest.play.studies import COUNT, identifier
from loadtest.play.tell import Progress
from loadtest.verdict.ledger import AGREES, NOT_ASKED, judge, name_objects
from loadtest.verdict.records import NO_STATUS
from loadtest.wire import DicomWeb, WireError
from loadtest.wire.query import STUDY_ROOT_FIND

AT_ONCE = 2
COUNT_TAG = "00201208"


def read_back(archives: Sequence[Archive], studies: Sequence[Entry], patience: Patience) -> list[str]:
    """Fill what is found of each study, and the finding. Returns what could not be asked, as lines."""
    progress, troubles = Progress("ledger", len(studies)), Counter[str]()
    pool = Pool(AT_ONCE * len(archives))
    with bounded(archives) as asked:
        jobs = [pool.spawn(_one, asked[one.operation.job], one, progress, troubles, patience) for one in studies]
        for job in jobs:
            job.get()
    return [f"{what} ({n} times)" for what, n in troubles.items()] + patience.lines([one.cluster for one in archives])


@contextmanager
def bounded(archives: Sequence[Archive]) -> Iterator[list[Archive]]:
    """The archives with associations that wait no longer than `BOUNDS`, whatever the play's own may do."""
    asked = [replace(one, associations=one.associations.within(BOUNDS)) for one in archives]
    try:
        yield asked
    finally:
        joinall([spawn(one.release) for one in asked])


def _one(archive: Archive, entry: Entry, progress: Progress, troubles: Counter[str], patience: Patience) -> None:
    """Ask for one study by each service; where the counts differ from the answers, ask which objects are there."""
    row = entry.row
    row.found_cfind = _asked(_by_cfind, "C-FIND", archive, entry, troubles, patience)
    if archive.target.base_url:
        row.found_qido = _asked(_by_qido, "QIDO-RS", archive, entry, troubles, patience)
    judge(row)
    if row.finding not in (AGREES, NOT_ASKED):
        _asked(_name, "C-FIND of images", archive, entry, troubles, patience)
    progress.step()


def find_again(archives: Sequence[Archive], studies: Sequence[Entry], patience: Patience) -> list[str]:
    """The counts once more, by C-FIND, into `found_again`: after the archives were killed and started again."""
    progress, troubles = Progress("find again", len(studies)), Counter[str]()

    def one(entry: Entry) -> None:
        archive = asked[entry.operation.job]
        entry.row.found_again = _asked(_by_cfind, "C-FIND after the kill", archive, entry, troubles, patience)
        progress.step()

    with bounded(archives) as asked:
        Pool(AT_ONCE * len(archives)).map(one, studies)
    return [f"{what} ({n} times)" for what, n in troubles.items()] + patience.lines([one.cluster for one in archives])


def _asked(
    ask: Callable[[Archive, Entry], int | None], name: str, archive: Archive, entry: Entry, troubles: Counter[str],
    patience: Patience,
) -> int | None:  # fmt: skip
    """A count, or None with the reason among the troubles, or because the archive is asked no more."""
    if patience.ends(entry):
        return None
    try:
        with patience.heard(entry):
            found = ask(archive, entry)
        why = "the archive refused it" if found is None else ""
    except WireError as error:
        found, why = None, str(error)
    if why:
        troubles[f"{archive.cluster}: the final read by {name} failed: {why}"] += 1
    return found


def _by_cfind(archive: Archive, entry: Entry) -> int | None:
    """Objects of the study by the archive's own count (0020,1208), or by its images where it keeps none."""
    asked = identifier(archive.factory, entry.operation, count=True)
    with archive.associations.borrow(LEDGER_AE, "find") as line:
        found, reply = line.link.find(STUDY_ROOT_FIND, asked)
    told = [one.get(COUNT) for one in found]
    if reply.ok and not all(isinstance(count, int) for count in told):
        images = _images_of(archive, entry)
        return None if images is None else len(images)
    return sum(map(int, told)) if reply.ok else None


def _name(archive: Archive, entry: Entry) -> int | None:
    """Fill `named`: which objects the archive has, against which it has acknowledged. Returns how many it has."""
    found = _images_of(archive, entry)
    if found is None:
        return None
    exam = entry.operation.exam
    numbers = {archive.factory.instance_uid(exam, n): n for n in range(entry.row.planned)}
    acknowledged = [one.number for one in entry.objects if one.outcome == "ok"]
    answered = [one.number for one in entry.objects if one.status != NO_STATUS]
    entry.row.named = name_objects(acknowledged, answered, [numbers.get(uid) for uid in found])
    return len(found)


def _images_of(archive: Archive, entry: Entry) -> list[str] | None:
    """SOP Instance UIDs of the study's one series, as the archive tells them; None when it refuses."""
    study = identifier(archive.factory, entry.operation)
    asked = _images(study, series_uid(archive.seed, entry.operation.exam))
    with archive.associations.borrow(LEDGER_AE, "find") as line:
        found, reply = line.link.find(STUDY_ROOT_FIND, asked)
    return [str(one.get("SOPInstanceUID", "")) for one in found] if reply.ok else None


def _images(study: Dataset, series_uid: str) -> Dataset:
    """Asks for each image of the study's one series (PS3.4 C.6.2.1.4)."""
    asked = Dataset()
    asked.QueryRetrieveLevel = "IMAGE"
    asked.StudyInstanceUID, asked.SeriesInstanceUID = study.StudyInstanceUID, series_uid
    asked.SOPInstanceUID = None
    return asked


def _by_qido(archive: Archive, entry: Entry) -> int | None:
    """Objects of the study by the archive's own count, or by its instances where it gives none."""
    uid = archive.factory.study_uid(entry.operation.exam)
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
