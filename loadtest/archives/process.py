"""Archives as processes of our own: started, watched until ready, stopped by pid, their output kept for messages."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"
STOP_S = 10.0


class ArchiveFailed(RuntimeError):
    """An archive could not be started, or ended by itself; the message has its last words and how to mend it."""


class ArchiveProcess:
    """One child process. As a context manager it is stopped at the end: SIGTERM, and SIGKILL after 10 s.

    `throw_away`: SIGKILL at once, for an archive whose store is deleted next and whose orderly end takes seconds.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None, throw_away: bool = False
    ) -> None:
        """Start `command`. Its standard input stays open until we end, so a child that watches it ends with us."""
        self._ending = signal.SIGKILL if throw_away else signal.SIGTERM
        self.command, self._environment = list(command), environment
        self.plays_faults = False
        self._awaited: tuple[Callable[[], bool], float, str] = (lambda: True, STOP_S, command[0])
        self._start()
        self._first_pid = self.pid
        _OURS[self.pid] = self

    def _start(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  (closed in stop)
        try:
            self._child = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(self._environment or {})},
                start_new_session=True,  # Ctrl-C at the terminal is ours to handle: measure to the end, then stop it
            )
        except OSError as error:
            self._log.close()
            raise ArchiveFailed(f"{self.command[0]} cannot be started: {error.strerror}") from error

    def restart(self) -> None:
        """SIGKILL, as if its power were cut, and the same `command` again until it is ready as before (rule L9).

        Raises ArchiveFailed when it does not come back.
        """
        self._child.kill()
        self._child.wait()
        self._close()
        self._start()
        self.wait_until(*self._awaited)

    def tell(self, line: str) -> None:
        """A line to its standard input. Raises ArchiveFailed when it has ended."""
        try:
            assert self._child.stdin is not None
            self._child.stdin.write(line.encode() + b"\n")
            self._child.stdin.flush()
        except OSError as error:
            raise ArchiveFailed(f"{self.command[0]} has ended:\n{self.output()}") from error

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def output(self, last: int = 4096) -> str:
        """The last bytes that it printed."""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), last, max(size - last, 0)).decode("utf-8", "replace")

    def first_line(self) -> str:
        """The first line that it printed, '' while it is not complete."""
        head = os.pread(self._log.fileno(), 4096, 0)
        return head.partition(b"\n")[0].decode("utf-8", "replace") if b"\n" in head else ""

    def wait_until(self, ready: Callable[[], bool], within_s: float, what: str) -> None:
        """Wait until `ready()`; raises ArchiveFailed when the process ends first or the time is over."""
        self._awaited = ready, within_s, what
        until = time.monotonic() + within_s
        while not ready():
            if (code := self._child.poll()) is not None:
                raise ArchiveFailed(f"{what} ended with code {code} before it was ready:\n{self.output()}")
            if time.monotonic() > until:
                raise ArchiveFailed(f"{what} was not ready within {within_s:g} s:\n{self.output()}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop it, if it still runs."""
        if self._child.poll() is None:
            self._child.send_signal(self._ending)
            try:
                self._child.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        _OURS.pop(self._first_pid, None)
        self._close()

    def _close(self) -> None:
        if self._child.stdin:
            self._child.stdin.close()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


_OURS: dict[int, ArchiveProcess] = {}


def ours(pid: int) -> ArchiveProcess | None:
    """The archive that had this process id at first, if we have started it."""
    return _OURS.get(pid)


def restart(pid: int) -> bool:
    """Restart the archive that had this process id at first; False where it is none that we have started."""
    found = ours(pid)
    if found is None:
        return False
    found.restart()
    return True


def free_port() -> int:
    """A loopback port that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether something accepts connections on a loopback port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=0.5):
            return True
    except OSError:
        return False


def package_root() -> Path:
    """The folder from which `python -m loadtest...` finds this package."""
    return Path(__file__).resolve().parents[2]
