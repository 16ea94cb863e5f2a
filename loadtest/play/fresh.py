"""Before anything is sent: the archive must not hold what is planned.

UIDs are functions of seed, lot, exam and object, so that a second play of the same traffic sends the same objects.
Those of the first play would then answer for those of the second: its losses would not be seen, and the archive's own
count would not rise.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from gevent.pool import Pool

from loadtest.play.archive import LEDGER_AE, Archive
from loadtest.play.problems import TrafficProblem
from loadtest.play.services import words
from loadtest.play.studies import identifier
from loadtest.play.traffic import Operation
from loadtest.wire import WireError
from loadtest.wire.query import STUDY_ROOT_FIND

MOST_ASKED = 100  # studies of an archive


def check_fresh(archives: Sequence[Archive], studies: Iterable[Operation]) -> list[str]:
    """Look for studies that are to be stored. Returns what could not be asked, as lines.

    Asks for the first, the last and others chosen by a hash, by C-FIND. Raises TrafficProblem where one is there.
    """
    by_job: dict[int, list[Operation]] = {}
    for one in studies:
        by_job.setdefault(one.job, []).append(one)
    troubles = Pool(max(len(by_job), 1)).map(lambda job: _look(archives[job], by_job[job]), by_job)
    return [one for one in troubles if one]


def chosen(archive: Archive, studies: Sequence[Operation]) -> list[Operation]:
    """First and last, and of the others the same in every run."""
    by_hash = sorted(studies[1:-1], key=lambda one: blake2b(archive.factory.study_uid(one.exam).encode()).digest())
    return [*studies[:1], *studies[1:][-1:], *by_hash[: MOST_ASKED - 2]]


def _look(archive: Archive, studies: Sequence[Operation]) -> str:
    """Why the archive could not be asked, or "". Raises TrafficProblem."""
    try:
        for one in chosen(archive, studies):
            with archive.associations.borrow(LEDGER_AE, "find") as line:
                found, reply = line.link.find(STUDY_ROOT_FIND, identifier(archive.factory, one))
            if not reply.ok:
                return _untold(archive, words(reply))
            uid = archive.factory.study_uid(one.exam)
            if any(str(answer.get("StudyInstanceUID", "")) == uid for answer in found):
                raise TrafficProblem(_told(archive, one, uid))
    except WireError as error:
        return _untold(archive, str(error))
    finally:
        archive.release()
    return ""


def _untold(archive: Archive, why: str) -> str:
    return f"{archive.cluster}: whether its studies were there before could not be asked: {why}"


def _told(archive: Archive, one: Operation, uid: str) -> str:
    root = uid.rpartition(".")[0]
    return (
        f"archive '{archive.target.name}' holds study {uid} (exam {one.exam} of {one.cluster}) already, and nothing "
        "was sent yet: this was played into it before, and objects of then would answer for those of now. Start a "
        f"fresh archive, remove the studies whose UIDs begin with {root}, play another lot of objects "
        "(--lot N), or make the traffic of a simulation with another seed"
    )
