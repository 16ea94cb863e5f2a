"""The part of the play that is measured: all devices on one clock, until every operation has ended."""

import gc
import sys
from collections import Counter
from collections.abc import Callable, Sequence

from gevent import Greenlet, joinall, sleep, spawn
from gevent.event import AsyncResult, Event

from loadtest.play.alarm import Alarm
from loadtest.play.archive import Archive
from loadtest.play.board import Board
from loadtest.play.config import PlayConfig
from loadtest.play.files import make_room
from loadtest.play.journal import FLUSH_EVERY_S, Rows
from loadtest.play.plan import Plan
from loadtest.play.recorder import Clock, Recorder
from loadtest.play.scheduler import Device
from loadtest.play.tell import Progress, say
from loadtest.play.traffic import Operation
from loadtest.play.users import Devices, LocalPlayers, PlayersHere
from loadtest.play.watch import Watch
from loadtest.verdict.health import Samples
from loadtest.verdict.records import OperationRow

LOOK_EVERY_S = 0.02
CATCH_UP_S = 0.02  # between two small parts of the rows: what was due while the first was written
STOPPED = "the play was stopped on Locust's page"


class Stage:
    """Devices, users, clock and records of one play. `interruptions` are reasons why it did not go to its end."""

    def __init__(
        self,
        config: PlayConfig,
        plan: Plan,
        archives: Sequence[Archive],
        flush: Callable[[Rows], None],
        players: Callable[[Devices], PlayersHere] | None = None,
    ) -> None:
        """`flush` gets new rows every quarter of a second; `players` makes Locust's users of the devices."""
        self._config, self._plan, self._archives, self._flush = config, plan, archives, flush
        self._alarm = Alarm()
        self.clock = Clock(self._alarm)
        self.recorder = Recorder(self.clock, self._heard)
        self.watch = Watch(self._alarm.kind)
        self.interruptions: list[str] = []
        self.begun = Event()
        self._defect = AsyncResult()
        self._devices = {key: self._device(key[0], operations) for key, operations in plan.by_device().items()}
        names = [(archives[job].cluster, device) for (job, _), device in self._devices.items()]
        self._board = Board(plan, self.clock.now)
        port = config.web_port if config.web else 0
        make = players or (lambda devices: LocalPlayers(devices, self._board, port, config.by_web()))
        self._players = make(names)
        self._progress: Progress | None = None

    def _device(self, job: int, operations: Sequence[Operation]) -> Device:
        config, services = self._config, self._archives[job].services
        stores = all(one.operation == "store" for one in operations)
        at_once = config.modality_associations if stores else config.workstation_associations
        return Device(
            operations,
            lambda one, done: services[one.operation](one, done),
            self.clock,
            self.recorder,
            at_once,
            config.backlog,
            lambda greenlet: self._defect.set_exception(greenlet.exception),
        )

    def play(self) -> None:
        """Play it. A defect of this program raises here; what is left of the plan is recorded as dropped."""
        self._players.spawn()
        self._announce()
        make_room(len(self._devices))
        self._progress = Progress("play", len(self._plan.play))
        keepers = [spawn(self._keep_house), spawn(self._flush_often)]
        keepers[1].link_exception(lambda greenlet: self._defect.set_exception(greenlet.exception))
        gc.collect()
        gc.freeze()  # what is here stays: a collection in the middle of the play would walk through all of it
        self.watch.start(first=self._config.priority == "first")
        self.clock.zero = self._players.zero()
        for archive in self._archives:
            archive.fail_links(self.clock.zero)
        self._players.begin()
        self.begun.set()
        try:
            self._wait()
        finally:
            self.watch.stop()
            self._end(keepers)

    @property
    def samples(self) -> Samples:
        """What the generator saw of itself."""
        return self.watch.samples

    def tally(self, job: int) -> Counter[str]:
        """Associations with a job's archive."""
        return self._archives[job].associations.tally

    def _announce(self) -> None:
        if self._players.web_url:
            say(web=self._players.web_url)
        plan, latest = self._plan, self._plan.last_due_s + self._config.drain_s
        words = f"play: {len(plan.play)} operations of {len(self._devices)} devices in {plan.last_due_s:.0f} s"
        print(f"{words}; it ends after {latest:.0f} s at the latest", file=sys.stderr, flush=True)

    def _wait(self) -> None:
        """Until each operation has ended, the time to drain is over, Stop is pressed, or we are at fault."""
        until = self._plan.last_due_s + self._config.drain_s
        while len(self.recorder.operations) < len(self._plan.play) and self.clock.now() < until:
            if self._defect.ready():
                self._defect.get()
            if self._players.stopped.is_set():
                break
            sleep(LOOK_EVERY_S)
        if self._players.stopped.is_set():
            self.interruptions.append(STOPPED)

    def _end(self, keepers: Sequence[Greenlet]) -> None:
        """Users first, so that nothing more is released; then what waits or is under way."""
        self._players.quit()
        for device in self._devices.values():
            device.end()
        for keeper in keepers:
            keeper.kill()
        joinall([spawn(archive.release) for archive in self._archives])  # or they would keep out who looks afterwards
        self._flush(self.recorder.drain())
        self._alarm.close()

    def _flush_often(self) -> None:
        while True:
            sleep(FLUSH_EVERY_S)
            for rows in self.recorder.parts():
                self._flush(rows)
                sleep(CATCH_UP_S)
            gc.freeze()  # rows stay too; a collection that walked through 300,000 of them would take 60 ms

    def _keep_house(self) -> None:
        """Release associations that nobody has used for a while."""
        while True:
            sleep(min(self._config.keep_idle_s, 1.0) / 4)
            for archive in self._archives:
                archive.associations.release_idle()

    def _heard(self, row: OperationRow) -> None:
        self._players.tell(row)
        self._board.heard(row)
        if self._progress is not None:
            self._progress.step()
