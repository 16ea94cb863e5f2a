"""The scenario's faults on the wire: what is out when, in seconds of the play, and what became of it.

A window's faults come with the traffic (`sim.traffic.metadata`). Archive: the embedded archive shuts its doors at
capacity 0, and is slow in between. Link: a site's bytes stay where they are, and new connections do not get through. A
site's own store is no station of a play: modalities send to the archive themselves.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from math import inf
from typing import Any

from loadtest.play.config import PlayConfig
from loadtest.play.problems import TrafficProblem
from loadtest.play.traffic import Traffic, WindowFault

Step = tuple[float, float]  # (from that second of the play on, capacity)
NO_STORES = "not played: a play has no site stores, its modalities send to the archive themselves"
ELSEWHERE = "not played: no traffic of that cluster"


@dataclass(frozen=True)
class PlayedFault:
    """A fault as it was played, or why not. Seconds of the play; `begin` and `end` in the scenario's time.

    `changes`: what the archive itself says that it did, [capacity, begun, done].
    """

    name: str
    what: str
    station: str
    cluster: str
    sites: list[str]
    outcome: str
    from_s: float
    to_s: float
    begin: str
    end: str
    steps: list[Step]
    changes: list[tuple[float, float, float]]

    @property
    def is_played(self) -> bool:
        """Did it befall what was played?"""
        return self.outcome == "played"

    def to_json(self) -> dict[str, Any]:
        """For the result."""
        return asdict(self)


def steps_of(fault: WindowFault, speed: float) -> list[Step]:
    """The fault from the play's zero on; what was over by then is left out."""
    steps = [(since / speed, share) for since, share in zip(fault.since_s, fault.capacity, strict=True)]
    past = [one for one in steps if one[0] <= 0]
    return [*([(0.0, past[-1][1])] if past else []), *(one for one in steps if one[0] > 0)]


def together(faults: Iterable[Sequence[Step]]) -> list[Step]:
    """Several faults of one station: their capacities multiply."""
    every = [list(one) for one in faults]
    return [(at, _product(every, at)) for at in sorted({at for one in every for at, _ in one})]


def _product(every: Sequence[Sequence[Step]], at: float) -> float:
    share = 1.0
    for one in every:
        share *= next((c for since, c in reversed(one) if since <= at), 1.0)
    return share


def archive_steps(faults: Iterable[PlayedFault], cluster: str) -> list[Step]:
    """What befalls a cluster's archive."""
    return together(f.steps for f in faults if f.is_played and f.station == "archive" and f.cluster == cluster)


def link_steps(faults: Iterable[PlayedFault], cluster: str, site: str) -> list[Step]:
    """What befalls the link of a site."""
    return together(
        f.steps for f in faults
        if f.is_played and f.station == "link" and f.cluster == cluster and (not f.sites or site in f.sites)
    )  # fmt: skip


def planned(traffics: Sequence[Traffic], config: PlayConfig) -> list[PlayedFault]:
    """The faults of the traffic's windows; none unless asked for. Raises TrafficProblem where none can be played."""
    if not config.faults:
        return []
    found: dict[str, PlayedFault] = {}
    for traffic in traffics:
        for fault in traffic.about.faults:
            one = _planned(traffic, fault, config.speed, {t.about.cluster for t in traffics})
            found[fault.name] = one if one.cluster == traffic.about.cluster else found.get(fault.name, one)
    _check(list(found.values()), traffics, config)
    return list(found.values())


def _planned(traffic: Traffic, fault: WindowFault, speed: float, here: set[str]) -> PlayedFault:
    steps, start = steps_of(fault, speed), datetime.fromisoformat(traffic.about.start)
    outcome = ELSEWHERE if fault.cluster not in here else NO_STORES if fault.station == "store" else "played"
    begin, end = (start + timedelta(seconds=at * speed) for at in (steps[0][0], steps[-1][0]))
    return PlayedFault(
        fault.name, fault.what, fault.station, fault.cluster, fault.sites, outcome, steps[0][0], steps[-1][0],
        begin.isoformat(timespec="seconds"), end.isoformat(timespec="seconds"), steps, [],
    )  # fmt: skip


def _check(faults: Sequence[PlayedFault], traffics: Sequence[Traffic], config: PlayConfig) -> None:
    if not faults:
        windows = ", ".join(f"{t.about.start} and {t.about.hours:g} h" for t in traffics)
        raise TrafficProblem(
            f"--faults: the scenario has none in the window ({windows}): make the traffic of a window that one touches "
            "with `filmless traffic RUN --cluster C --start YYYY-MM-DDTHH:MM`"
        )
    partial = [f.name for f in faults if f.is_played and f.station == "link" and any(0 < c < 1 for _, c in f.steps)]
    if partial and not config.shape:
        raise TrafficProblem(f"--faults: {', '.join(partial)} leaves a part of a link's rate: play with --shape")
    if config.kill_at is not None and config.kill_at < 1:
        raise TrafficProblem(
            "--faults: an archive that is killed forgets them: leave --kill-at out, or take 1 (at the end)"
        )


def kept(faults: Sequence[PlayedFault], end_s: float, changes: dict[str, list[tuple[float, float, float]]],
         speed: float) -> list[PlayedFault]:  # fmt: skip
    """As they were played: cut off at the end of the play, with each archive's own account, by cluster."""
    return [_kept(one, end_s, changes.get(one.cluster, []), speed) for one in faults]


def _kept(one: PlayedFault, end_s: float, changes: list[tuple[float, float, float]], speed: float) -> PlayedFault:
    if not one.is_played:
        return one
    to_s = min(one.to_s, max(end_s, one.from_s))
    begin = datetime.fromisoformat(one.begin)
    end = (begin + timedelta(seconds=(to_s - one.from_s) * speed)).isoformat(timespec="seconds")
    return replace(one, to_s=to_s, end=end, changes=changes if one.station == "archive" else [])


def absolute(steps: Sequence[Step], zero: float) -> list[Step]:
    """Steps at perf_counter times; none before the play has its zero."""
    return [(zero + at, share) for at, share in steps] if zero < inf else []
