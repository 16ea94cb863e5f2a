"""How long an archive is asked after the play: reading back has an end, whatever the archive does (rule F4)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter

from loadtest.play.entries import Entry
from loadtest.wire import PeerTimeout, Timeouts, WireError

BOUNDS = Timeouts(connect_s=5.0, response_s=30.0, operation_s=60.0)
MOST_IN_A_ROW = 3  # time-outs of one archive, before it is asked no more
AT_LEAST_S, A_STUDY_S = 60.0, 2.0  # all archives together have so long; a healthy one takes some hundredths a study


def longest_s(studies: int) -> float:
    """What reading so many studies back takes at most, in seconds: its time, and what is then under way."""
    return AT_LEAST_S + A_STUDY_S * studies + 2 * (BOUNDS.connect_s + BOUNDS.operation_s)


class Patience:
    """With all archives of a play, from now on. One that is given up is spared the rest, which is told."""

    def __init__(self, studies: int) -> None:
        self._until = perf_counter() + AT_LEAST_S + A_STUDY_S * studies
        self._in_a_row: Counter[int] = Counter()
        self._given_up: dict[int, str] = {}
        self._spared: dict[int, set[int]] = {}

    def ends(self, entry: Entry) -> bool:
        """Whether this study's archive is asked no more; the study is counted if so."""
        job = entry.operation.job
        if perf_counter() > self._until:
            self._given_up.setdefault(job, "the time for reading back is over")
        if job in self._given_up:
            self._spared.setdefault(job, set()).add(id(entry))
        return job in self._given_up

    @contextmanager
    def heard(self, entry: Entry) -> Iterator[None]:
        """A block that asks this study's archive; nothing that it raises is kept back."""
        job = entry.operation.job
        try:
            yield
        except WireError as error:
            timed_out = isinstance(error, PeerTimeout) or isinstance(error.__cause__, TimeoutError)
            self._in_a_row[job] = self._in_a_row[job] + 1 if timed_out else 0
            if self._in_a_row[job] >= MOST_IN_A_ROW:
                self._given_up.setdefault(job, f"it has let {MOST_IN_A_ROW} requests in a row time out")
            raise
        self._in_a_row[job] = 0

    def still_asked(self, studies: Sequence[Entry]) -> list[Entry]:
        """Those of archives that have not been given up."""
        return [one for one in studies if one.operation.job not in self._given_up]

    def lines(self, clusters: Sequence[str]) -> list[str]:
        """One for each archive that was given up; `clusters` by job."""
        return [
            f"{clusters[job]}: {_studies(len(self._spared.get(job, ())))} not asked for, or not for everything, after "
            f"the play: {why}"
            for job, why in self._given_up.items()
        ]


def _studies(count: int) -> str:
    return f"{count} study was" if count == 1 else f"{count} studies were"
