"""The play from beginning to end: prepare, prefill, play on time, read back, judge, keep."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from gevent import joinall, spawn

from loadtest.play.archive import WEB_OPERATIONS, Archive, check_reachable, open_archive
from loadtest.play.config import PlayConfig
from loadtest.play.entries import entries
from loadtest.play.final_read import read_back
from loadtest.play.keep import check_new, keep, manifest_of
from loadtest.play.plan import Plan, make_plan
from loadtest.play.prefill import prefill, prepare
from loadtest.play.problems import PlayFailed
from loadtest.play.recorder import Clock, Recorder
from loadtest.play.stage import Stage
from loadtest.play.studies import factories
from loadtest.play.traffic import Traffic, read_traffic
from loadtest.verdict.health import health_of, judge
from loadtest.verdict.judgement import Held, compare_held, verdict_of
from loadtest.verdict.ledger import totals
from loadtest.verdict.records import StudyRow, counts, shifted
from loadtest.wire import WireError


def run(config: PlayConfig) -> dict[str, Any]:
    """Play it all and keep it; returns the result in short. Raises TrafficProblem, TooManyPatients, PlayFailed."""
    traffics = [read_traffic(job.traffic, number) for number, job in enumerate(config.jobs)]
    plan, makers = make_plan(traffics, config.speed), factories(traffics)
    check_new(Path(config.out))
    with ExitStack() as stack:
        archives = [
            open_archive(number, traffic.about, maker, plan, config, stack)
            for number, (traffic, maker) in enumerate(zip(traffics, makers, strict=True))
        ]
        stack.callback(lambda: joinall([spawn(one.close) for one in archives], timeout=5.0))
        return _Run(config, traffics, plan, archives).run()


class _Run:
    """One play of a plan against archives that are ready."""

    def __init__(
        self, config: PlayConfig, traffics: Sequence[Traffic], plan: Plan, archives: Sequence[Archive]
    ) -> None:
        self.config, self.traffics, self.plan, self.archives = config, traffics, plan, archives
        self.early = Clock()
        self.before = Recorder(self.early)
        self.stage = Stage(config, plan, archives)
        self.troubles: list[str] = []

    def run(self) -> dict[str, Any]:
        """All phases; returns the result in short."""
        self._reach()
        first = self._count()
        self._prepare()
        self.stage.play()
        ledger = self._ledger()
        names = [archive.cluster for archive in self.archives]
        result = self._result(ledger, [Held(*one) for one in zip(names, first, self._count(), strict=True)])
        self._keep(ledger, result)
        return result

    def _reach(self) -> None:
        for job, archive in enumerate(self.archives):
            web = any(one.job == job and one.operation in WEB_OPERATIONS for one in self.plan.play)
            check_reachable(archive, web, self.config.timeouts())

    def _count(self) -> list[int | None]:
        """What each archive says that it holds; None where it does not tell."""
        try:
            return [archive.target.count_instances() for archive in self.archives]
        except WireError as error:
            raise PlayFailed(f"an archive's own statistics cannot be read: {error}") from None

    def _prepare(self) -> None:
        kinds: dict[int, set[str]] = {}
        for one in self.plan.stores():
            kinds.setdefault(one.job, set()).add(one.modality)
        prepare(self.archives, kinds)
        if self.config.prefill == "send" and self.plan.prefill:
            prefill(self.archives, self.plan.prefill, self.config.prefill_associations, self.before)

    def _ledger(self) -> list[StudyRow]:
        studies = entries(self.plan, self.config.prefill == "send", self.before, self.stage.recorder)
        if self.config.ledger == "full":
            self.troubles = read_back(self.archives, studies)
        return [one.row for one in studies]

    def _result(self, ledger: Sequence[StudyRow], held: Sequence[Held]) -> dict[str, Any]:
        rows = self.stage.recorder.operations
        health, outcomes = health_of(rows, self.stage.watch.samples), counts(rows)
        measurement, why = judge(health, others=[*self._prefill_gaps(), *self.troubles, *self.stage.interruptions])
        told = held if self.config.ledger == "full" else []
        verdict, reasons = verdict_of(measurement, why, outcomes, ledger, told)
        objects = totals(ledger)
        return {
            "verdict": verdict, "reasons": reasons, "measurement": measurement, "planned": health.planned,
            "done": outcomes["ok"], "lag_p99_s": health.to_json()["lag_p99_s"], "studies": objects.pop("studies"),
            "stored": sum(row.state == "stored" for row in ledger), "outcomes": outcomes, "objects": objects,
            "generator": health.to_json(), "instances": {one.cluster: one.after for one in held},
            "archives": [self._told(archive, one, ledger) for archive, one in zip(self.archives, held, strict=True)],
        }  # fmt: skip

    def _prefill_gaps(self) -> list[str]:
        rows = self.before.operations
        missing = sum(row.outcome != "ok" for row in rows)
        return [f"{missing} of {len(rows)} studies of the prefill were not stored"] if missing else []

    def _told(self, archive: Archive, held: Held, ledger: Sequence[StudyRow]) -> dict[str, Any]:
        return {
            "cluster": held.cluster, "target": archive.target.name, "held_before": held.before,
            "held_after": held.after, "count": compare_held(held, ledger),
            "associations": dict(archive.associations.tally),
        }  # fmt: skip

    def _keep(self, ledger: Sequence[StudyRow], result: dict[str, Any]) -> None:
        by_s, during = self.stage.clock.zero - self.early.zero, self.stage.recorder
        operations = [shifted(row, by_s) for row in self.before.operations] + during.operations
        objects = [shifted(row, by_s) for row in self.before.objects] + during.objects
        manifest = manifest_of(self.config, self.traffics) | result
        keep(Path(self.config.out), operations, objects, ledger, manifest)
