"""Locust's users: one for each device of the plan. Imported only in the process that plays (locust patches it)."""

from collections import deque
from collections.abc import Sequence
from typing import Any, ClassVar

import locust.stats
from gevent.event import Event
from locust import User, task
from locust.env import Environment
from locust.runners import LocalRunner

from loadtest.play.scheduler import Device
from loadtest.verdict.records import OperationRow

LOOPBACK = "127.0.0.1"
SPAWNED_WITHIN_S = 30.0


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
    """Locust around the devices: spawns a user for each, and tells its statistics of each operation."""

    def __init__(self, devices: Sequence[tuple[str, Device]], web_port: int = 0) -> None:
        """`devices` with their clusters' names; `web_port` 0 = no page."""
        self._begin = Event()
        setattr(locust.stats, "bucket_response_time", exact_ms)  # noqa: B010  (Locust leaves it to be replaced)
        classes = [_user_class(name, devices, self._begin) for name in dict.fromkeys(name for name, _ in devices)]
        self.environment = Environment(user_classes=classes, catch_exceptions=False)
        self.runner: LocalRunner = self.environment.create_local_runner()
        self._count = len(devices)
        self.web_url = f"http://{LOOPBACK}:{web_port}" if web_port else ""
        if web_port:
            self.environment.create_web_ui(LOOPBACK, web_port)
        self.stopped = Event()
        self.environment.events.test_stop.add_listener(lambda **_: self.stopped.set())

    def spawn(self) -> None:
        """Make all users; they wait for `begin`."""
        spawned = Event()
        self.environment.events.spawning_complete.add_listener(lambda **_: spawned.set())
        self.runner.start(self._count, spawn_rate=self._count)
        if not spawned.wait(SPAWNED_WITHIN_S):
            raise RuntimeError(f"Locust has not made {self._count} users within {SPAWNED_WITHIN_S:g} s")

    def begin(self) -> None:
        """Let the users play."""
        self._begin.set()

    def tell(self, row: OperationRow) -> None:
        """One operation for Locust's statistics, under a name of the closed list; response time from its due time."""
        if row.outcome == "dropped":
            return
        self.environment.events.request.fire(
            request_type="DICOMweb" if row.operation in ("qido", "wado") else "DIMSE",
            name=f"{row.cluster} {row.operation}",
            response_time=(row.end_s - row.due_s) * 1000,
            response_length=row.bytes,
            exception=None if row.outcome == "ok" else OutcomeError(row.outcome),
            context={},
        )

    def quit(self) -> None:
        """End the users and the page."""
        self.runner.quit()
        if self.environment.web_ui:
            self.environment.web_ui.stop()


class OutcomeError(Exception):
    """An operation that did not end well, for Locust's list of failures: few kinds, and no word of a peer's."""


def exact_ms(response_time: float) -> float:
    """Locust's histogram key to three significant digits: it rounds to two, and to whole milliseconds below 100."""
    return float(f"{response_time:.3g}")


def _user_class(cluster: str, devices: Sequence[tuple[str, Device]], begin: Event) -> type[User]:
    ours = deque(device for name, device in devices if name == cluster)
    body: dict[str, Any] = {"abstract": False, "devices": ours, "begin": begin, "fixed_count": len(ours)}
    return type(f"Devices_{''.join(c if c.isalnum() else '_' for c in cluster)}", (DeviceUser,), body)
