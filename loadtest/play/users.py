"""Locust's users: one for each device of the plan. Imported only in the process that plays (locust patches it)."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Collection, Sequence
from time import perf_counter
from typing import Any, ClassVar

import locust.stats
from gevent.event import Event
from locust import User, task
from locust.env import Environment

from loadtest.play.board import Board
from loadtest.play.page import open_page
from loadtest.play.scheduler import Device
from loadtest.verdict.records import OperationRow

LOOPBACK = "127.0.0.1"
WEB = ("qido", "wado")
SPAWNED_WITHIN_S = 30.0
BEGIN_IN_S = 0.2  # from the last preparation to zero: every user is awake by then
Devices = Sequence[tuple[str, Device]]


class DeviceUser(User):
    """A modality or a workstation: plays its device's plan once, and stays until the play ends."""

    abstract = True
    devices: ClassVar[deque[Device]]
    begin: ClassVar[Event]

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.device = self.devices.popleft()

    @task
    def play(self) -> None:
        """Release the device's operations on time; the work itself goes on in greenlets of the device."""
        self.begin.wait()
        self.device.play()
        Event().wait()  # so that the page goes on to show it


class Players:
    """Locust around the devices: one user for each, and its statistics of each operation."""

    web_url = ""

    def __init__(self, devices: Devices, environment: Environment, by_web: Collection[str] = WEB) -> None:
        """`devices` with their clusters' names; `by_web` are the operations that go by DICOMweb."""
        self._by_web = by_web
        self._begin = Event()
        self.environment, self._count = environment, len(devices)
        environment.user_classes = [user_class(name, devices, self._begin) for name in clusters(devices)]
        self.stopped = Event()
        environment.events.test_stop.add_listener(lambda **_: self.stopped.set())

    def zero(self) -> float:
        """The perf_counter time at which the play begins."""
        return perf_counter() + BEGIN_IN_S

    def begin(self) -> None:
        """Let the users play."""
        self._begin.set()

    def tell(self, row: OperationRow) -> None:
        """One operation for Locust's statistics, under a name of the closed list; response time from its due time."""
        if row.outcome == "dropped":
            return
        self.environment.events.request.fire(
            request_type="DICOMweb" if row.operation in self._by_web else "DIMSE",
            name=f"{row.cluster} {row.operation}",
            response_time=(row.end_s - row.due_s) * 1000,
            response_length=row.bytes,
            exception=None if row.outcome == "ok" else OutcomeError(row.outcome),
            context={},
        )

    def quit(self) -> None:
        """End the users."""
        if self.environment.runner is not None:
            self.environment.runner.stop()


class PlayersHere(Players, ABC):
    """Users of this process."""

    @abstractmethod
    def spawn(self) -> None:
        """Make all users; they wait for `begin`."""


class LocalPlayers(PlayersHere):
    """All users in this process, and Locust's page where a port is given."""

    def __init__(
        self, devices: Devices, board: Board | None = None, web_port: int = 0, by_web: Collection[str] = WEB
    ) -> None:
        """`web_port` 0 = no page; with one, `board` is what its tab shows."""
        super().__init__(devices, new_environment(), by_web)
        self.runner = self.environment.create_local_runner()
        if web_port and board is not None:
            self.web_url = open_page(self.environment, LOOPBACK, web_port, board)

    def spawn(self) -> None:
        """See PlayersHere."""
        spawned = Event()
        self.environment.events.spawning_complete.add_listener(lambda **_: spawned.set())
        self.runner.start(self._count, spawn_rate=self._count)
        if not spawned.wait(SPAWNED_WITHIN_S):
            raise RuntimeError(f"Locust has not made {self._count} users within {SPAWNED_WITHIN_S:g} s")

    def quit(self) -> None:
        """End the users and the page."""
        self.runner.quit()
        if self.environment.web_ui:
            self.environment.web_ui.stop()


def new_environment() -> Environment:
    """Locust's environment, whose percentiles are exact to three digits."""
    setattr(locust.stats, "bucket_response_time", exact_ms)  # noqa: B010  (Locust leaves it to be replaced)
    return Environment(catch_exceptions=False)


class OutcomeError(Exception):
    """An operation that did not end well, for Locust's list of failures: few kinds, and no word of a peer's."""


def exact_ms(response_time: float) -> float:
    """Locust's histogram key to three significant digits: it rounds to two, and to whole milliseconds below 100."""
    return float(f"{response_time:.3g}")


def clusters(devices: Devices) -> list[str]:
    """The clusters of the devices, in order of appearance."""
    return list(dict.fromkeys(name for name, _ in devices))


def class_name(cluster: str) -> str:
    """Name of the user class of a cluster's devices, alike in master and workers."""
    return f"Devices_{''.join(c if c.isalnum() else '_' for c in cluster)}"


def user_class(cluster: str, devices: Devices, begin: Event) -> type[User]:
    """Locust's user class for the devices of one cluster."""
    ours = deque(device for name, device in devices if name == cluster)
    body: dict[str, Any] = {"abstract": False, "devices": ours, "begin": begin, "fixed_count": len(ours)}
    return type(class_name(cluster), (DeviceUser,), body)
