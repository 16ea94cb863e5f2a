"""After the play: each study that was to be stored is looked for, by C-FIND and by QIDO-RS, and its objects counted.

Equal counts can hide that an acknowledged object is gone and an unanswered one is there instead. So objects are asked
for by name as well: of every study that holds some without a good answer, wherever a count differs from the answers,
after a kill, and of a share of all studies that is stated in the result.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from gevent import joinall, spawn
from gevent.pool import Pool
from pydicom.dataset import Dataset

from loadtest.archives.web_door import open_web
from loadtest.play.archive import LEDGER_AE, Archive
from loadtest.play.entries import Entry
from loadtest.play.patience import BOUNDS, Patience
from loadtest.play.studies import COUNT, identifier
from loadtest.play.tell import Progress
from loadtest.play.troubles import Troubles
from loadtest.play.witness import is_sampled
from loadtest.verdict.ledger import AGREES, NOT_ASKED, judge
from loadtest.wire import ProtocolError
from loadtest.wire.errors import printable
from loadtest.wire.query import STUDY_ROOT_FIND

AT_ONCE = 2
COUNT_TAG = "00201208"
LARGEST_COUNT, LONGEST_COUNT = 2**31 - 1, 12  # of an IS, and its characters (PS3.5 table 6.2-1)
ALL_BY_NAME = 2000  # objects; of more, a share of the studies
LEAST_BY_NAME = 0.1


def share_by_name(studies: Sequence[Entry]) -> float:
    """Which share of the studies is asked for by name whatever was answered: all of a small play, a tenth at least."""
    objects = sum(one.row.planned for one in studies)
    return min(1.0, max(LEAST_BY_NAME, ALL_BY_NAME / max(objects, 1)))


def read_back(
    archives: Sequence[Archive], studies: Sequence[Entry], patience: Patience, by_name: float = 0.0
) -> list[str]:
    """Fill what is found of each study, and the finding. Returns what could not be asked, as lines.

    `by_name`: the share of studies, by a hash of their UIDs, whose objects are asked for by name whatever was answered.
    """
    reading = _Reading(patience)

    def look(archive: Archive, entry: Entry) -> None:
        """Ask for one study by each service; where counts could mislead, or differ, ask which objects are there."""
        row = entry.row
        row.found_cfind = reading.asked(_by_cfind, "C-FIND", archive, entry)
        if archive.target.base_url:
            row.found_qido = reading.asked(_by_qido, "QIDO-RS", archive, entry)
        judge(row)
        sampled = is_sampled(archive.factory.study_uid(entry.operation.exam), by_name)
        doubtful = row.unknown + row.refused + row.failed or row.finding not in (AGREES, NOT_ASKED)
        if row.found_cfind is not None and (sampled or doubtful):
            reading.asked(_by_name, "C-FIND of images", archive, entry)

    return reading.of(archives, studies, "ledger", look)


def find_again(archives: Sequence[Archive], studies: Sequence[Entry], patience: Patience) -> list[str]:
    """All once more, by C-FIND, into `found_again` and by name: after the archives were killed and started again."""
    reading = _Reading(patience)

    def look(archive: Archive, entry: Entry) -> None:
        entry.row.found_again = reading.asked(_by_cfind, "C-FIND after the kill", archive, entry)
        reading.asked(_by_name, "C-FIND of images after the kill", archive, entry)

    return reading.of(archives, studies, "find again", look)


class _Reading:
    """One reading back: how long archives are asked, and what could not be asked."""

    def __init__(self, patience: Patience) -> None:
        self._patience, self._troubles = patience, Troubles()

    def of(
        self, archives: Sequence[Archive], studies: Sequence[Entry], phase: str,
        look: Callable[[Archive, Entry], None],
    ) -> list[str]:  # fmt: skip
        """Look for every study, some at a time; returns what could not be asked, as lines."""
        progress, pool = Progress(phase, len(studies)), Pool(AT_ONCE * len(archives))

        def one(entry: Entry) -> None:
            look(asked[entry.operation.job], entry)
            progress.step()

        with _bounded(archives) as asked:
            for job in [pool.spawn(one, entry) for entry in studies]:
                job.get()
        return self._troubles.lines() + self._patience.lines([one.cluster for one in archives])

    def asked(
        self, ask: Callable[[Archive, Entry], int | None], name: str, archive: Archive, entry: Entry
    ) -> int | None:
        """A count, or None with the reason among the troubles, or because the archive is asked no more."""
        if self._patience.ends(entry):
            return None
        what, found = f"{archive.cluster}: the final read by {name} failed", None
        study = archive.factory.study_uid(entry.operation.exam)
        with self._troubles.caught(what, study), self._patience.heard(entry):
            found = ask(archive, entry)
            if found is None:
                self._troubles.tell(what, "the archive refused it")
        return found


@contextmanager
def _bounded(archives: Sequence[Archive]) -> Iterator[list[Archive]]:
    """The archives with associations that wait no longer than `BOUNDS`, whatever the play's own may do."""
    asked = [replace(one, associations=one.associations.within(BOUNDS)) for one in archives]
    try:
        yield asked
    finally:
        joinall([spawn(one.release) for one in asked])


def _by_cfind(archive: Archive, entry: Entry) -> int | None:
    """Objects of the study by the archive's own count (0020,1208), or by its images where it keeps none."""
    asked = identifier(archive.factory, entry.operation, count=True)
    with archive.associations.borrow(LEDGER_AE, "find") as line:
        found, reply = line.link.find(STUDY_ROOT_FIND, asked)
    told = [one.get(COUNT) for one in found]
    if reply.ok and not all(isinstance(count, int) for count in told):
        images = _images_of(archive, entry)
        return None if images is None else len(images)
    return _total(told) if reply.ok else None


def _by_name(archive: Archive, entry: Entry) -> int | None:
    """Compare which objects the archive has with which it has acknowledged. Returns how many it has."""
    found = _images_of(archive, entry)
    if found is None:
        return None
    exam = entry.operation.exam
    numbers = {archive.factory.instance_uid(exam, n): n for n in range(entry.row.planned)}
    entry.take([numbers.get(uid) for uid in found])
    return len(found)


def _images_of(archive: Archive, entry: Entry) -> list[str] | None:
    """SOP Instance UIDs of the study's one series, as the archive tells them; None when it refuses, or tells no end."""
    study = identifier(archive.factory, entry.operation)
    asked = _images(study, archive.factory.series_uid(entry.operation.exam))
    with archive.associations.borrow(LEDGER_AE, "find") as line:
        found, reply = line.link.find(STUDY_ROOT_FIND, asked)
    return [str(one.get("SOPInstanceUID", "")) for one in found] if reply.ok and not reply.cut else None


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
    with open_web(archive.target, BOUNDS) as web:
        found, reply = web.qido("studies", {"StudyInstanceUID": uid, "includefield": COUNT_TAG})
        if not reply.ok:
            return None
        told = [_count(one) for one in found]
        if None not in told:
            return _total(told)
        instances, reply = web.qido(f"studies/{uid}/instances", {})
        return len(instances) if reply.ok else None


def _count(found: dict[str, object]) -> int | str | None:
    """What an answer gives as its count, read as little as may be; None where it gives none."""
    element = found.get(COUNT_TAG)
    value = element.get("Value") if isinstance(element, dict) else None
    first = value[0] if isinstance(value, list) and value else None
    return first if isinstance(first, int | str) and not isinstance(first, bool) else None


def _total(told: Iterable[object]) -> int:
    """The sum of an archive's counts. Raises ProtocolError where they are none, or too large to be objects."""
    counts = [_whole(one) for one in told]
    if (total := sum(counts)) > LARGEST_COUNT:
        raise ProtocolError(f"the archive counts {total} objects of one study")
    return total


def _whole(told: object) -> int:
    text = str(told)
    try:
        count = int(text) if len(text) <= LONGEST_COUNT else -1
    except ValueError:
        count = -1
    if count < 0:
        raise ProtocolError(f"the archive gives {printable(text, LONGEST_COUNT)!r} as a number of objects")
    return count
