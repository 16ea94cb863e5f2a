"""What is asked of an experiment: which clusters, days, worlds and replications, of which engine."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from sim.runs.period import Period
from sim.runs.unit import Unit
from sim.world.load import World

WARM_UP_DAYS = 35  # coupling took 15 to 30 days in clusters of England; each run proves its own
COOL_DOWN_DAYS = 7


class PlanProblem(ValueError):
    """Dates or clusters that the scenario does not know."""


@dataclass(frozen=True)
class Spec:
    """What to simulate, of which scenario."""

    clusters: tuple[str, ...]
    start: date
    end: date  # exclusive
    seed: int
    replications: int = 10
    engine: str = "fast"
    worlds: tuple[str, ...] = ("film", "pacs")
    warm_up_days: int = WARM_UP_DAYS
    cool_down_days: int = COOL_DOWN_DAYS
    processes: int = 0  # 0: one a core
    dask: str = ""  # address of a scheduler; "": this machine's processes
    keep_exams: bool = False
    exams_folder: str = ""  # where the units put them, while the run is under way
    precision: float = 0.0  # half width over value at which to stop adding replications; 0: as many as asked for

    @property
    def period(self) -> Period:
        """Measured and warm-up days."""
        before, after = timedelta(days=self.warm_up_days), timedelta(days=self.cool_down_days)
        return Period(self.start - before, self.start, self.end, self.end + after)

    def unit(self, cluster: str, replication: int) -> Unit:
        """One cluster in one replication."""
        return Unit(cluster, replication, self.seed, self.engine, self.worlds, self.period, self.exams_folder)

    def with_exams(self, folder: Path) -> "Spec":
        """The same, with a place for the exams."""
        return replace(self, exams_folder=str(folder.absolute()))


def check_spec(world: World, spec: Spec) -> None:
    """Refuse what the scenario's plan does not cover."""
    plan, known = world.scenario.plan, world.scenario.clusters_used or list(world.scenario.clusters)
    if not plan.start <= spec.start < spec.end <= plan.end + timedelta(days=1):
        raise PlanProblem(
            f"the dates {spec.start} to {spec.end - timedelta(days=1)} must lie in the scenario's plan, "
            f"{plan.start} to {plan.end}, and be in order: change --from and --to, or [plan] in the scenario"
        )
    for cluster in spec.clusters:
        if cluster not in known:
            raise PlanProblem(f"there is no cluster '{cluster}'; the scenario uses {', '.join(known)}")


def in_order(world: World, spec: Spec, replications: range) -> list[Unit]:
    """The units, so ordered that two workers who take the next one when they are free end at nearly the same time.

    By replication; within it in the order in which two halves of about equal size would begin them.
    """
    share = {c: world.scenario.clusters[c].exams_share.value for c in spec.clusters}
    begins: dict[str, float] = {}
    for half in _halves(share):
        at = 0.0
        for c in half:
            begins[c] = at
            at += share[c]
    order = sorted(begins, key=lambda c: (begins[c], -share[c], c))
    return [spec.unit(c, r) for r in replications for c in order]


def _halves(share: dict[str, float]) -> tuple[list[str], list[str]]:
    """Two lists of clusters whose sums differ least, each with its largest first."""
    names = sorted(share, key=lambda c: (-share[c], c))
    if len(names) > 12:  # too many to try all; alternating is near enough
        return names[::2], names[1::2]

    def part(mask: int, side: int) -> list[str]:
        return [c for i, c in enumerate(names) if mask >> i & 1 == side]

    def difference(mask: int) -> float:
        return abs(sum(share[c] for c in part(mask, 0)) - sum(share[c] for c in part(mask, 1)))

    best = min(range(2 ** (len(names) - 1)), key=lambda mask: (difference(mask), mask))
    return part(best, 0), part(best, 1)
