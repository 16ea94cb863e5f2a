"""The master's side of a play with workers: deals the plan, sets one zero for all, gathers what they record.

Locust's own master and workers do it: its messages carry our records, its users are the devices of each worker, its
page shows all. A worker that dies is told at once where it was started here, after some seconds elsewhere; what it was
to do and did not tell is dropped or in doubt, the measurement INVALID, the rest is kept (rule F7).
"""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from time import perf_counter
from typing import Any

from gevent import sleep, spawn
from gevent.event import Event
from locust import User, task
from locust.dispatch import UsersDispatcher
from locust.runners import STATE_MISSING, MasterRunner

from loadtest.archives.process import LOOPBACK, package_root
from loadtest.play.admission import Admission
from loadtest.play.archive import Archive
from loadtest.play.board import Board
from loadtest.play.config import PlayConfig
from loadtest.play.journal import FLUSH_EVERY_S, Rows, unpack
from loadtest.play.page import open_page
from loadtest.play.plan import Plan
from loadtest.play.problems import PlayFailed, TrafficProblem
from loadtest.play.recorder import Clock, Recorder
from loadtest.play.share import Heard, rows_of_lost, share_of
from loadtest.play.tell import Progress, say, warn
from loadtest.play.traffic import Operation
from loadtest.play.users import Players, class_name, new_environment
from loadtest.play.words import BEGIN, DONE, FAILED, HELLO, JOB, PING, PONG, READY, REFUSED, ROWS, TAKEN, TOKEN
from loadtest.verdict.health import Samples
from loadtest.verdict.records import ObjectRow, OperationRow

PINGS = 12
BEGIN_IN_S = 0.5
LOOK_EVERY_S = 0.02
DOUBT_S = 2 * FLUSH_EVERY_S  # after a worker's last word: what was due by then it may have sent
STOP_S = 5.0
READY_WITHIN_S = 120.0
LAST_WORDS_S = 15.0  # after the last moment at which a worker's own play can end


@dataclass
class Compared:
    """A worker's clock against ours by its quickest ping: its perf_counter less ours, and what bounds the error."""

    offset_s: float = 0.0
    round_trip_s: float = inf

    @property
    def is_known(self) -> bool:
        """Whether a ping was answered."""
        return self.round_trip_s < inf


@dataclass
class Member:
    """One worker, as the master knows it."""

    number: int
    client_id: str
    pid: int
    share: list[Operation] = field(default_factory=list)
    counts: dict[str, int] | None = None
    clock: Compared = field(default_factory=Compared)  # before the play
    clock_after: Compared | None = None
    samples: Samples | None = None
    tallies: list[dict[str, int]] = field(default_factory=list)
    heard_s: float = 0.0  # of the play's clock; a worker that lives tells its rows four times a second
    lost_s: float | None = None

    @property
    def has_ended(self) -> bool:
        """It has told all that it will."""
        return self.samples is not None or self.lost_s is not None


class Dealt(UsersDispatcher):
    """Locust's users by worker as they were dealt, instead of evenly; a worker that goes or comes changes nothing."""

    def __init__(self, counts: dict[str, dict[str, int]]) -> None:
        self._counts = counts
        self._left: Iterator[dict[str, dict[str, int]]] = iter(())

    def new_dispatch(self, *_: Any, **__: Any) -> None:
        """Deal anew: all users at once."""
        self._left = iter([self._counts])

    def __next__(self) -> dict[str, dict[str, int]]:
        return next(self._left)

    def add_worker(self, worker_node: Any) -> None:
        """It has no part in this play."""

    def remove_worker(self, worker_node: Any) -> None:
        """Its users are not given to others: its share is told as lost."""

    @property
    def dispatch_in_progress(self) -> bool:
        """Never: all is dealt in one step."""
        return False


class Team:
    """Has what Stage has: `play`, `recorder`, `clock`, `samples`, `interruptions`, `tally`."""

    def __init__(
        self, config: PlayConfig, plan: Plan, archives: Sequence[Archive], flush: Callable[[Rows], None]
    ) -> None:
        self._config, self._plan, self._archives, self._flush = config, plan, archives, flush
        self.clock = Clock()
        self.recorder = Recorder(self.clock, self._heard)
        self.interruptions: list[str] = []
        self.begun = Event()
        self._admission = Admission(config.workers, warn)
        self._members: dict[str, Member] = {}
        self._children: list[subprocess.Popen[bytes]] = []
        self._failed: list[PlayFailed] = []
        self._progress: Progress | None = None
        self._board = Board(plan, self.clock.now)
        self._players = Players([], new_environment(), config.by_web())
        self._runner = self._master()
        self._players.web_url = self._page()

    def _master(self) -> MasterRunner:
        environment, address = self._players.environment, self._config.master or f"{LOOPBACK}:0"
        environment.user_classes = [_no_users(archive.cluster) for archive in self._archives]
        environment.dispatcher_class = self._deal  # type: ignore[assignment]  # it is only ever called
        host, _, port = address.rpartition(":")
        if not (host == LOOPBACK or _token_is_set()):
            raise TrafficProblem(f"master {address}: beyond {LOOPBACK}, set {TOKEN} here and at each worker")
        runner = environment.create_master_runner(host, int(port))
        listeners = {HELLO: self._hello, READY: self._ready, PONG: self._pong, ROWS: self._rows, DONE: self._done,
                     FAILED: self._worker_failed}  # fmt: skip
        for kind, listener in listeners.items():
            runner.register_message(kind, lambda msg, listener=listener, **_: listener(msg.node_id, msg.data))
        return runner

    def _page(self) -> str:
        if not self._config.web:
            return ""
        return open_page(self._players.environment, LOOPBACK, self._config.web_port, self._board)

    def _deal(self, **_: Any) -> Dealt:
        return Dealt({one.client_id: one.counts or {} for one in self._members.values()})

    # What workers say. -------------------------------------------------------------------------------------------

    def _hello(self, client_id: str, said: dict[str, Any]) -> None:
        why = self._admission.answer(client_id, said.get("proof"))
        if why == "":
            self._members[client_id] = Member(len(self._members), client_id, int(said.get("pid", 0)))
            self._runner.send_message(TAKEN, {}, client_id)
        elif why:
            self._runner.send_message(REFUSED, {"why": why}, client_id)

    def _ready(self, client_id: str, said: dict[str, Any]) -> None:
        self._members[client_id].counts = dict(said["counts"])

    def _pong(self, client_id: str, said: dict[str, Any]) -> None:
        member, now = self._members[client_id], perf_counter()
        clock, took = member.clock_after or member.clock, now - said["sent"]
        if took < clock.round_trip_s:
            clock.round_trip_s, clock.offset_s = took, said["now"] - (now + said["sent"]) / 2

    def _rows(self, client_id: str, said: dict[str, Any]) -> None:
        member = self._members.get(client_id)
        if member is not None and member.lost_s is None:
            member.heard_s = max(self.clock.now(), 0.0)
            self.recorder.take(unpack(OperationRow, said["operations"]), unpack(ObjectRow, said["objects"]))  # type: ignore[arg-type]

    def _done(self, client_id: str, said: dict[str, Any]) -> None:
        member = self._members[client_id]
        member.samples, member.tallies = Samples(**said["samples"]), said["tallies"]
        self.interruptions += [one for one in said["interruptions"] if one not in self.interruptions]

    def _worker_failed(self, client_id: str, said: dict[str, Any]) -> None:
        self._failed.append(PlayFailed(f"worker {self._members[client_id].number}: {said['message']}", said["code"]))

    # The play. ---------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Play it. Raises PlayFailed where the workers cannot be had or made ready."""
        keeper = spawn(self._keep)
        try:
            self._gather()
            self._send_jobs()
            self._begin()
            self._wait()
            self._compare_again()
        finally:
            self._account()
            keeper.kill()
            self._flush(self.recorder.drain())
            self.close()

    def _gather(self) -> None:
        """The workers come: started here, or from wherever they are."""
        if not self._config.master:
            self._children = [_child(self._runner.server.port) for _ in range(self._config.workers)]
        else:
            warn(f"waiting for {self._config.workers} workers at {self._config.master}")
        self._until(
            lambda: len(self._members) == self._config.workers,
            self._config.join_s,
            lambda: f"{len(self._members)} of {self._config.workers} workers have come",
        )

    def _send_jobs(self) -> None:
        config = self._config.model_dump_json()
        traffic = [Path(job.traffic).read_bytes() for job in self._config.jobs]
        of = self._config.workers
        for one in self._members.values():
            one.share = share_of(self._plan, self._config.jobs, one.number, of).play
            job = {"config": config, "traffic": traffic, "number": one.number, "of": of}
            self._runner.send_message(JOB, job, one.client_id)
        self._until(
            lambda: all(one.counts is not None for one in self._members.values()), READY_WITHIN_S,
            lambda: f"{sum(one.counts is not None for one in self._members.values())} of {of} workers are ready",
        )  # fmt: skip

    def _until(self, holds: Callable[[], bool], within_s: float, state: Callable[[], str]) -> None:
        until = perf_counter() + within_s
        while not holds():
            if self._failed:
                raise self._failed[0]
            if any(child.poll() is not None for child in self._children):
                raise PlayFailed(f"a worker has ended before the play began: {state()}")
            if perf_counter() > until:
                raise PlayFailed(f"{state()} within {within_s:g} s{self._admission.words()}")
            sleep(LOOK_EVERY_S)

    def _begin(self) -> None:
        """Users first, then one zero for all, told to each worker on its own monotonic clock (rule L13)."""
        self._ping(list(self._members.values()))
        users = sum(sum((one.counts or {}).values()) for one in self._members.values())
        self._runner.start(users, spawn_rate=max(users, 1))
        if self._players.web_url:
            say(web=self._players.web_url)
        self._progress = Progress("play", len(self._plan.play))
        self.clock.begin(BEGIN_IN_S)
        self.begun.set()
        for one in self._members.values():
            self._runner.send_message(BEGIN, {"zero": self.clock.zero + self._offset(one)}, one.client_id)

    def _ping(self, members: Sequence[Member]) -> None:
        for _ in range(PINGS):
            for one in members:
                self._runner.send_message(PING, {"sent": perf_counter()}, one.client_id)
            sleep(LOOK_EVERY_S)

    def _compare_again(self) -> None:
        """Whether the clocks of other machines went as ours did while it played (rule L13)."""
        there = [one for one in self._members.values() if one.lost_s is None and not self._children]
        for one in there:
            one.clock_after = Compared()
        if there:
            self._ping(there)

    def _offset(self, member: Member) -> float:
        """0 on this machine, whose processes share a clock; else what the quickest ping said."""
        return 0.0 if self._children else member.clock.offset_s

    def _wait(self) -> None:
        until = self._plan.last_due_s + self._config.drain_s + LAST_WORDS_S
        while not all(one.has_ended for one in self._members.values()):
            if self._failed:
                raise self._failed[0]
            self._look_for_lost(self.clock.now() > until)
            sleep(LOOK_EVERY_S)

    def _look_for_lost(self, is_late: bool) -> None:
        nodes = self._runner.clients
        gone = {child.pid for child in self._children if child.poll() is not None}
        for one in self._members.values():
            missing = one.client_id in nodes and nodes[one.client_id].state == STATE_MISSING
            if not one.has_ended and (one.pid in gone or missing or is_late):
                one.lost_s = min(self.clock.now(), one.heard_s + DOUBT_S)
                self.interruptions.append(
                    f"worker {one.number} of {self._config.workers} was lost after {one.lost_s:.1f} s"
                )

    def _account(self) -> None:
        """Rows for what lost workers have not told; what is missing in any other way is dropped as well."""
        heard = Heard(self.recorder.operations, self.recorder.objects)
        for one in self._members.values():
            lost_s = one.lost_s if one.lost_s is not None else self.clock.now()
            self.recorder.take(*rows_of_lost(one.share, heard, lost_s))

    def _keep(self) -> None:
        while True:
            sleep(FLUSH_EVERY_S)
            self._flush(self.recorder.drain())

    def close(self) -> None:
        """End users, page and the workers that were started here."""
        with suppress(Exception):  # Locust's own; what counts has been recorded
            self._runner.quit()
        if self._players.environment.web_ui:
            self._players.environment.web_ui.stop()
        for child in self._children:
            _end(child)
        self._runner.server.close(linger=0)

    @property
    def samples(self) -> Samples:
        """The worst of all workers, for a limit holds for each of them; delays of all together."""
        found = [one.samples for one in self._members.values() if one.samples is not None]
        if not found:
            return Samples()
        return Samples(
            [delay for one in found for delay in one.loop_delay_s], max(one.cpu_share for one in found),
            max((one.clock_step_s for one in found), key=abs), max(one.wall_s for one in found),
            " and ".join(dict.fromkeys(one.scheduling for one in found)),
            " and ".join(dict.fromkeys(one.wakes_by for one in found)),
        )  # fmt: skip

    def tally(self, job: int) -> Counter[str]:
        """Associations with a job's archive, of the master (prefill, final read) and all workers."""
        found = Counter(self._archives[job].associations.tally)
        for one in self._members.values():
            if one.tallies:
                found.update(one.tallies[job])
        return found

    def clocks(self) -> list[dict[str, float | None]]:
        """For the record: each worker's clock against ours, and the round trip that bounds its error, in seconds.

        `drift_s`: by how much more its clock was ahead after the play than before; None of one that was lost.
        """
        return [
            {"worker": one.number, "offset_s": self._offset(one), "round_trip_s": one.clock.round_trip_s,
             **self._drift(one)}
            for one in self._members.values()
        ]  # fmt: skip

    def _drift(self, one: Member) -> dict[str, float | None]:
        """Half a round trip bounds the error of each comparison."""
        if self._children:
            return {"drift_s": 0.0, "drift_error_s": 0.0}
        before, after = one.clock, one.clock_after
        if after is None or not (before.is_known and after.is_known):
            return {"drift_s": None, "drift_error_s": None}
        error_s = (before.round_trip_s + after.round_trip_s) / 2
        return {"drift_s": after.offset_s - before.offset_s, "drift_error_s": error_s}

    def _heard(self, row: OperationRow) -> None:
        self._board.heard(row)
        if self._progress is not None:
            self._progress.step()


def _no_users(cluster: str) -> type[User]:
    """The user class of a cluster's devices as the master needs it: by its name."""
    return type(class_name(cluster), (User,), {"abstract": False, "play": task(lambda _: None)})


def _token_is_set() -> bool:
    return bool(os.environ.get(TOKEN))


def _child(port: int) -> "subprocess.Popen[bytes]":
    """A worker of this machine; it ends when we do."""
    command = [sys.executable, "-m", "loadtest.play.worker", f"{LOOPBACK}:{port}", "--end-with-stdin"]
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=package_root())
    except OSError as error:
        raise PlayFailed(f"a worker cannot be started: {error.strerror}") from error


def _end(child: "subprocess.Popen[bytes]") -> None:
    if child.stdin:
        child.stdin.close()
    try:
        child.wait(STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
