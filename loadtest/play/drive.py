"""The play from beginning to end: prepare, prefill, play on time, read back, judge, keep."""

from collections.abc import Sequence
from contextlib import ExitStack
from math import inf
from pathlib import Path
from time import perf_counter
from typing import Any

from gevent import joinall, sleep, spawn

from loadtest.play.archive import Archive, Seat, check_reachable, open_archive
from loadtest.play.associations import is_terms
from loadtest.play.config import PlayConfig
from loadtest.play.entries import Entry, entries
from loadtest.play.faults import PlayedFault, Step, archive_steps, kept, planned
from loadtest.play.final_read import find_again, read_back, share_by_name
from loadtest.play.fresh import check_fresh
from loadtest.play.journal import FLUSH_EVERY_S, Journal, Rows
from loadtest.play.keep import check_new, keep, manifest_of
from loadtest.play.patience import Patience, longest_s
from loadtest.play.plan import Plan, make_plan
from loadtest.play.prefill import prefill, prepare
from loadtest.play.problems import PlayFailed
from loadtest.play.recorder import Clock, Recorder
from loadtest.play.restart import STARTER
from loadtest.play.stage import Stage
from loadtest.play.studies import factories
from loadtest.play.team import LAST_WORDS_S, Team
from loadtest.play.tell import warn
from loadtest.play.traffic import Traffic, read_traffic
from loadtest.play.witness import commit, compare
from loadtest.verdict.faulted import bad_outside, with_counts
from loadtest.verdict.health import health_of, judge
from loadtest.verdict.judgement import Held, compare_held, losses_of, verdict_of
from loadtest.verdict.ledger import exceptions, happened, totals, unbalanced
from loadtest.verdict.records import ObjectRow, OperationRow, StudyRow, counts, shifted
from loadtest.wire import WireError

MOST_TOLD = 20  # exceptions in the result; all are in the ledger


def run(config: PlayConfig) -> dict[str, Any]:
    """Play it all and keep it; returns the result in short. Raises TrafficProblem, TooManyPatients, PlayFailed."""
    traffics = [read_traffic(job.traffic, number) for number, job in enumerate(config.jobs)]
    plan, makers = make_plan(traffics, config.speed), factories(traffics, config.transfer_syntax, config.lot)
    faults = planned(traffics, config)
    check_new(Path(config.out))
    with ExitStack() as stack:
        files = [Path(job.traffic) for job in config.jobs]
        journal = stack.enter_context(Journal(Path(config.out), config.model_dump_json(), files))
        seat = Seat(plays=not config.workers)
        archives = [
            open_archive(number, traffic.about, maker, plan, config, stack, seat, faults)
            for number, (traffic, maker) in enumerate(zip(traffics, makers, strict=True))
        ]
        stack.callback(lambda: joinall([spawn(one.close) for one in archives], timeout=5.0))
        return _Run(config, traffics, plan, archives, journal, faults).run()


class _Run:
    """One play of a plan against archives that are ready."""

    def __init__(
        self,
        config: PlayConfig,
        traffics: Sequence[Traffic],
        plan: Plan,
        archives: Sequence[Archive],
        journal: Journal,
        faults: Sequence[PlayedFault] = (),
    ) -> None:
        self.faults = faults
        self.config, self.traffics, self.plan, self.archives, self.journal = config, traffics, plan, archives, journal
        self.early = Clock()
        self.before = Recorder(self.early)
        self.stage = (Team if config.workers else Stage)(config, plan, archives, self._flush)
        self.troubles: list[str] = []
        self.by_name = 0.0

    def run(self) -> dict[str, Any]:
        """All phases; returns the result in short."""
        if self.config.kill_at is not None:
            STARTER.check([archive.target for archive in self.archives])
        self._reach()
        self._check_fresh()
        first = self._count()
        self._prepare()
        kill_at = self.config.kill_at
        killer = spawn(self._kill_during, kill_at) if kill_at is not None and kill_at < 1 else None
        breaker = spawn(self._break) if self._breaking() else None
        self._play()
        if killer is not None:
            killer.get()
        if breaker is not None:
            breaker.get()
        self._mend()
        ledger = self._ledger()
        names = [archive.cluster for archive in self.archives]
        last = [self._count_again(archive) for archive in self.archives]
        result = self._result(ledger, [Held(*one) for one in zip(names, first, last, strict=True)])
        self._keep(ledger, result)
        return result

    def _play(self) -> None:
        self._announce()
        begun = spawn(self._begun)
        try:
            self.stage.play()
        finally:
            begun.kill()

    def _announce(self) -> None:
        """By when all is over; not of a proof of headroom, which ends with its own progress."""
        if self._is_kept:
            plan, config = self.plan, self.config
            studies = sum(one.phase == "play" or config.prefill == "send" for one in plan.stores())
            latest = plan.last_due_s + config.drain_s + (LAST_WORDS_S if config.workers else 0.0)
            witnesses = 1 + (config.kill_at == 1) + config.commit + (config.verify_hashes > 0)
            playing = f"play: {len(plan.play)} operations in {plan.last_due_s:.0f} s"
            reading = f"reading back {studies} studies then takes {witnesses * longest_s(studies):.0f} s at the most"
            warn(f"{playing}; it ends after {latest:.0f} s at the latest; {reading}, if an archive hardly answers")

    def _begun(self) -> None:
        self.stage.begun.wait()
        self.journal.sending |= self._is_kept
        self.journal.reach(0.0)

    @property
    def _is_kept(self) -> bool:
        """Whether anything will be found of what is sent: a null sink keeps nothing."""
        return self.config.ledger == "full"

    def _flush(self, rows: Rows) -> None:
        """Rows of the play to the journal, and until when there are any."""
        self.journal.write(rows)
        if self.stage.begun.is_set():
            self.journal.reach(max(self.stage.clock.now(), 0.0))

    def _reach(self) -> None:
        for job, archive in enumerate(self.archives):
            operations = {one.operation for one in self.plan.prefill + self.plan.play if one.job == job}
            web = not operations.isdisjoint(self.config.by_web())
            check_reachable(archive, web, self.config.timeouts())

    def _check_fresh(self) -> None:
        """Nothing that is to be sent may be there; what a null sink says of it tells nothing."""
        if self.config.ledger == "full":
            sent = [one for one in self.plan.stores() if one.phase == "play" or self.config.prefill == "send"]
            self.troubles += check_fresh(self.archives, sent)

    def _count(self) -> list[int | None]:
        """What each archive says that it holds; None where it does not tell."""
        try:
            return [archive.target.count_instances() for archive in self.archives]
        except WireError as error:
            raise PlayFailed(f"an archive's own statistics cannot be read: {error}") from None

    def _count_again(self, archive: Archive) -> int | None:
        """The same after the play; an archive that has died meanwhile costs a line, not the records."""
        try:
            return archive.target.count_instances()
        except WireError as error:
            self.troubles.append(f"{archive.cluster}: its own statistics cannot be read after the play: {error}")
            return None

    def _prepare(self) -> None:
        kinds: dict[int, set[str]] = {}
        for one in self.plan.prefill if self.config.workers else self.plan.stores():
            kinds.setdefault(one.job, set()).add(one.modality)
        prepare(self.archives, kinds)
        if self.config.prefill == "send" and self.plan.prefill:
            self._prefill()

    def _prefill(self) -> None:
        """Store it, with each row in the journal soon after it is known."""
        self.journal.sending = self._is_kept
        keeper = spawn(self._keep_early)
        try:
            prefill(self.archives, self.plan.prefill, self.config.prefill_associations, self.before)
        finally:
            keeper.kill()
            self.journal.write(self._early(*self.before.drain()))

    def _keep_early(self) -> None:
        while True:
            sleep(FLUSH_EVERY_S)
            self.journal.write(self._early(*self.before.drain()))

    def _ledger(self) -> list[StudyRow]:
        before, during = self.before, self.stage.recorder
        studies = entries(
            self.plan, self.config.prefill == "send", before.operations + during.operations,
            before.objects + during.objects,
        )  # fmt: skip
        if self.config.ledger == "full":
            self.troubles += self._ask(studies)
        return [one.row for one in studies]

    def _ask(self, studies: Sequence[Entry]) -> list[str]:
        """Every witness that was wanted; what could not be asked, as lines."""
        self.by_name = 1.0 if self.config.kill_at is not None else share_by_name(studies)
        patience = Patience(len(studies))
        troubles = read_back(self.archives, studies, patience, self.by_name)
        if self.config.kill_at == 1:
            self._kill()
            patience = Patience(len(studies))
            troubles += find_again(self.archives, studies, patience)
        left = patience.still_asked(studies)
        if self.config.commit:
            troubles += commit(self.archives, left)
        if self.config.verify_hashes:
            troubles += compare(self.archives, left, self.config.verify_hashes)
        return troubles

    def _kill(self) -> None:
        for archive in self.archives:
            archive.release()
        STARTER.restart([archive.target for archive in self.archives])

    def _kill_during(self, share: float) -> None:
        self.stage.begun.wait()
        sleep(max(0.0, self.stage.clock.zero - perf_counter() + share * self.plan.last_due_s))
        self._kill()

    def _breaking(self) -> dict[int, list[Step]]:
        """Process ids of the archives that a fault befalls, with its steps."""
        steps = {one.target.pid: archive_steps(self.faults, one.cluster) for one in self.archives}
        return {pid: some for pid, some in steps.items() if some}

    def _break(self) -> None:
        """Tell the archives their faults, as soon as the play has its zero."""
        self.stage.begun.wait()
        zero = self.stage.clock.zero
        STARTER.fail({pid: {"zero": zero, "steps": steps} for pid, steps in self._breaking().items()})

    def _mend(self) -> None:
        """All is well again, so that the archives can be asked what they hold."""
        end_s, changes = self.stage.clock.now(), {}
        for archive in self.archives:
            archive.fail_links(inf)
        if pids := list(self._breaking()):
            names, since = {one.target.pid: one.cluster for one in self.archives}, self.stage.clock.since
            for pid, done in STARTER.mend(pids).items():
                changes[names[pid]] = [(share, since(begun), since(by)) for share, begun, by in done]
        self.faults = kept(self.faults, end_s, changes, self.config.speed)

    def _result(self, ledger: Sequence[StudyRow], held: Sequence[Held]) -> dict[str, Any]:
        rows = self.stage.recorder.operations
        health, outcomes = health_of(rows, self.stage.samples, self.plan.counts()), counts(rows)
        others = [*self._prefill_gaps(), *self.troubles, *self.stage.interruptions, *unbalanced(ledger)]
        measurement, why = judge(health, others=others)
        told = held if self.config.ledger == "full" else []
        verdict, reasons = verdict_of(measurement, why, outcomes, ledger, told)
        objects = totals(ledger)
        faults = with_counts([one.to_json() for one in self.faults], rows)
        return {
            "faults": faults, "bad_outside_faults": bad_outside(faults, rows),
            "verdict": verdict, "reasons": reasons, "measurement": measurement, "doubts": why,
            "losses": losses_of(ledger, told), "planned": health.planned,
            "done": outcomes["ok"], "lag_p99_s": health.to_json()["lag_p99_s"], "studies": objects.pop("studies"),
            "stored": sum(row.state == "stored" for row in ledger), "outcomes": outcomes, "objects": objects,
            "exceptions": _listed(ledger), "asked_by_name": self.by_name,
            "generator": health.to_json(), "instances": {one.cluster: one.after for one in held},
            "archives": [self._told(job, one, ledger) for job, one in enumerate(held)],
            "negotiated": self._negotiated(),
            "workers": self.stage.clocks() if isinstance(self.stage, Team) else [],
        }  # fmt: skip

    def _prefill_gaps(self) -> list[str]:
        rows = self.before.operations
        missing = sum(row.outcome != "ok" for row in rows)
        return [f"{missing} of {len(rows)} studies of the prefill were not stored"] if missing else []

    def _told(self, job: int, held: Held, ledger: Sequence[StudyRow]) -> dict[str, Any]:
        return {
            "cluster": held.cluster, "target": self.archives[job].target.name, "held_before": held.before,
            "held_after": held.after, "count": compare_held(held, ledger),
            "associations": {name: count for name, count in self.stage.tally(job).items() if not is_terms(name)},
        }  # fmt: skip

    def _negotiated(self) -> dict[str, dict[str, int]]:
        """Cluster -> what was agreed with its archive -> associations."""
        return {
            archive.cluster: {words: count for words, count in self.stage.tally(job).items() if is_terms(words)}
            for job, archive in enumerate(self.archives)
        }

    def _early(self, operations: Sequence[OperationRow], objects: Sequence[ObjectRow]) -> Rows:
        """Prefill's rows by the play's zero; before the play has one, by when this began."""
        by_s = self.stage.clock.zero - self.early.zero
        return [shifted(row, by_s) for row in operations], [shifted(row, by_s) for row in objects]

    def _keep(self, ledger: Sequence[StudyRow], result: dict[str, Any]) -> None:
        early, during = self._early(self.before.operations, self.before.objects), self.stage.recorder
        manifest = manifest_of(self.config, self.traffics) | result
        keep(Path(self.config.out), early[0] + during.operations, early[1] + during.objects, ledger, manifest)


def _listed(ledger: Sequence[StudyRow]) -> dict[str, Any]:
    """Studies that are not simply stored and found whole: how many, and of the first of them what happened."""
    found = exceptions(ledger)
    told = [{"cluster": one.cluster, "exam": one.exam, "happened": happened(one)} for one in found[:MOST_TOLD]]
    return {"studies": len(found), "first": told}
