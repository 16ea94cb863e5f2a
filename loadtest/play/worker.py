"""`python -m loadtest.play.worker HOST:PORT`: one of Locust's workers, which plays its share of a master's plan."""

import locust  # noqa: F401, I001  # before anything that imports ssl, or it dies with a RecursionError (findings, 4)

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import gevent
from gevent.event import AsyncResult, Event
from gevent.os import tp_read
from locust.env import Environment
from locust.runners import WorkerRunner

from loadtest.objects.identity import TooManyPatients
from loadtest.play.archive import Archive, Seat, open_archive
from loadtest.play.config import PlayConfig
from loadtest.play.faults import planned
from loadtest.play.journal import Rows, pack
from loadtest.play.plan import Plan, make_plan
from loadtest.play.prefill import prepare
from loadtest.play.problems import PlayFailed, TrafficProblem
from loadtest.play.share import share_of
from loadtest.play.stage import Stage
from loadtest.play.studies import factories
from loadtest.play.traffic import read_traffic
from loadtest.play.turns import take_turns
from loadtest.play.users import Devices, PlayersHere, class_name, new_environment
from loadtest.play.words import (
    ALL_HERE,
    BEGIN,
    DONE,
    FAILED,
    HELLO,
    JOB,
    OTHER_TOKEN,
    PING,
    PONG,
    READY,
    REFUSED,
    ROWS,
    TAKEN,
    TOKEN,
    proof,
)
from loadtest.verdict.records import ObjectRow, OperationRow

SPAWNED_WITHIN_S = 600.0  # the master stores the prefill first
TELL_EVERY_S = 10.0
JOIN_S = float(PlayConfig.model_fields["join_s"].default)  # as long as a master waits for its workers
REFUSALS = {
    OTHER_TOKEN: f"has turned this worker away: its {TOKEN} is not the one set here: set the same one on both machines "
    "(or on neither, where they are one), and start this worker again",
    ALL_HERE: "has all its workers and has turned this one away: start the master with a larger --workers N, or this "
    "worker for its next play",
}
NO_WORD = (
    f"has not said within {{:g}} s whether it takes this worker: another program or another version answers there "
    f"(or it does not turn workers of another {TOKEN} away by a word): install the same version on both machines"
)
ENDED = "has ended before the play began: see what it says"


class SentPlayers(PlayersHere):
    """Users of a worker: the master has them made, and says when they begin."""

    def __init__(self, devices: Devices, environment: Environment, ready: Callable[[], None]) -> None:
        super().__init__(devices, environment)
        self._spawned, self._ready, self._zero = Event(), ready, AsyncResult()
        environment.events.spawning_complete.add_listener(lambda **_: self._spawned.set())
        _runner(environment).register_message(BEGIN, lambda msg, **_: self._zero.set(msg.data["zero"]))

    def spawn(self) -> None:
        """Say what is here, and wait until the master has seen all users."""
        self._ready()
        if not self._spawned.wait(SPAWNED_WITHIN_S):
            raise PlayFailed(f"the master has not begun within {SPAWNED_WITHIN_S:g} s")

    def zero(self) -> float:
        """The master's zero, on this machine's clock."""
        return float(self._zero.get(timeout=SPAWNED_WITHIN_S))


def _runner(environment: Environment) -> WorkerRunner:
    assert isinstance(environment.runner, WorkerRunner)
    return environment.runner


class Worker:
    """One job of one master, from its first word to its last."""

    def __init__(self, host: str, port: int) -> None:
        self._job, self._refusal = AsyncResult(), AsyncResult()
        self.environment = new_environment()
        self.runner = self.environment.create_worker_runner(host, port)
        self.runner.register_message(JOB, lambda msg, **_: self._job.set(msg.data))
        self.runner.register_message(TAKEN, lambda msg, **_: self._refusal.set(""))
        self.runner.register_message(REFUSED, lambda msg, **_: self._refusal.set(msg.data["why"]))
        self.runner.register_message(PING, lambda msg, **_: self._tell(PONG, now=perf_counter(), sent=msg.data["sent"]))
        self._tell(HELLO, proof=proof(self.runner.client_id), pid=os.getpid())

    def _tell(self, kind: str, **what: Any) -> None:
        self.runner.send_message(kind, what)

    def job(self, within_s: float) -> dict[str, Any]:
        """The master's job, for as long as the master is there; it says within so many seconds whether there is one.

        Raises PlayFailed where it has none for this worker, is silent, or ends.
        """
        master = f"the master at {self.runner.master_host}:{self.runner.master_port}"
        ended = gevent.spawn(self.runner.greenlet.join)  # at its word, or after a minute without a sign of its life
        gevent.wait([self._refusal, ended], timeout=within_s, count=1)
        if self._refusal.ready() and (why := self._refusal.get()):
            raise PlayFailed(f"{master} {REFUSALS.get(why, REFUSALS[ALL_HERE])}", 2)
        if not (self._refusal.ready() or ended.ready()):
            raise PlayFailed(f"{master} {NO_WORD.format(within_s)}")
        gevent.wait([self._job, ended], count=1)
        if not self._job.ready():
            raise PlayFailed(f"{master} {ENDED}")
        found: dict[str, Any] = self._job.get()
        return found

    def play(self, job: dict[str, Any]) -> PlayFailed | None:
        """Do the job and tell what came of it, whatever comes; returns why it failed, if it did."""
        failed = None
        try:
            with TemporaryDirectory(prefix="filmless-worker-") as folder, ExitStack() as stack:
                stage = self._stage(job, Path(folder), stack)
                stage.play()
                tallies = [dict(stage.tally(number)) for number in range(len(job["traffic"]))]
                self._tell(DONE, samples=asdict(stage.samples), interruptions=stage.interruptions, tallies=tallies)
        except (TrafficProblem, TooManyPatients, PlayFailed, ValueError, OSError, RuntimeError) as error:
            ours = isinstance(error, TrafficProblem | PlayFailed | TooManyPatients)  # a sentence by itself
            told = str(error) if ours else f"{type(error).__name__}: {error}"
            failed = PlayFailed(told, getattr(error, "exit_code", 1))
            self._tell(FAILED, code=failed.exit_code, message=str(failed))
        self.runner.greenlet.join()  # the master's word ends it
        return failed

    def _stage(self, job: dict[str, Any], folder: Path, stack: ExitStack) -> Stage:
        """Everything ready to play, from the master's own files."""
        config = PlayConfig.model_validate_json(job["config"])
        paths = [folder / f"{number}.parquet" for number in range(len(job["traffic"]))]
        for path, content in zip(paths, job["traffic"], strict=True):
            path.write_bytes(content)
        traffics = [read_traffic(path, number) for number, path in enumerate(paths)]
        seat = Seat(job["number"], job["of"])
        plan = share_of(make_plan(traffics, config.speed), config.jobs, seat.number, seat.of)
        makers = factories(traffics, config.transfer_syntax, config.lot)
        archives = [
            open_archive(number, one.about, maker, plan, config, stack, seat, planned(traffics, config))
            for number, (one, maker) in enumerate(zip(traffics, makers, strict=True))
        ]
        stack.callback(lambda: gevent.joinall([gevent.spawn(one.close) for one in archives], timeout=5.0))
        prepare(archives, _kinds(plan))
        return Stage(config, plan, archives, self._flush, lambda devices: self._players(devices, archives))

    def _players(self, devices: Devices, archives: list[Archive]) -> PlayersHere:
        counts = {class_name(one.cluster): sum(name == one.cluster for name, _ in devices) for one in archives}
        return SentPlayers(devices, self.environment, lambda: self._tell(READY, counts=counts))

    def _flush(self, rows: Rows) -> None:
        """Tell the master; without news too, so that it knows until when we lived."""
        self._tell(ROWS, operations=pack(OperationRow, rows[0]), objects=pack(ObjectRow, rows[1]))


def _kinds(plan: Plan) -> dict[int, set[str]]:
    kinds: dict[int, set[str]] = {}
    for one in plan.stores():
        kinds.setdefault(one.job, set()).add(one.modality)
    return kinds


def main() -> int:
    """Serve one master's play; 0 when it was served to its end, 2 when the master has turned this worker away.

    Where its own part failed, the code that its failure means.
    """
    parser = argparse.ArgumentParser("python -m loadtest.play.worker", description="Play a share of a master's plan.")
    parser.add_argument("master", help="host:port of `filmless load --master`")
    parser.add_argument("--end-with-stdin", action="store_true", help="stop when standard input is closed")
    parser.add_argument("--join-s", type=float, default=JOIN_S, help="the master may take so long to answer")
    given = parser.parse_args()
    del sys.argv[1:]
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr, format="%(name)s: %(message)s")
    take_turns()
    host, _, port = given.master.rpartition(":")
    answered = Event()
    player = gevent.spawn(_serve, host, int(port), answered, given.join_s)
    for number in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(number, lambda: player.kill(block=False))
    if given.end_with_stdin:
        gevent.spawn(_at_end_of_input, player)
    if not _is_answered(given.master, answered, player, given.join_s):
        player.kill()
        return 1
    player.join()
    if isinstance(player.value, PlayFailed):
        print(f"error: {player.value}", file=sys.stderr, flush=True)
        return player.value.exit_code
    return 0 if player.successful() else 1


def _serve(host: str, port: int, answered: Event, join_s: float) -> PlayFailed | None:
    worker = Worker(host, port)  # Locust's own handshake: it comes back when a master has answered
    answered.set()
    try:
        job = worker.job(join_s)
    except PlayFailed as error:  # gevent would print a traceback
        return error
    return worker.play(job)


def _is_answered(master: str, answered: Event, player: gevent.Greenlet, join_s: float) -> bool:
    """Wait for a master, a line now and then; false when there was none for `join_s`."""
    begun = perf_counter()
    while not answered.wait(min(TELL_EVERY_S, join_s / 4)) and not player.dead:
        waited = perf_counter() - begun
        if waited >= join_s:
            told = f"error: no master at {master}: start it with `filmless load FILE --master --workers N`"
            print(told, file=sys.stderr, flush=True)
            return False
        print(f"waiting for a master at {master}: {waited:.0f} of {join_s:g} s", file=sys.stderr, flush=True)
    return True


def _at_end_of_input(player: gevent.Greenlet) -> None:
    while tp_read(sys.stdin.fileno(), 4096):
        continue
    player.kill(block=False)


if __name__ == "__main__":
    sys.exit(main())
