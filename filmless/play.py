"""Playing traffic against archives: started for the play, or named in a target file."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, cast

from filmless.failures import BadInput
from filmless.progress import progress
from loadtest.archives.embedded.options import Mode
from loadtest.archives.launch import running
from loadtest.play.launch import LISTENER, PlayJob, free_port
from loadtest.play.traffic import check_head
from loadtest.series.measure import Order, measure
from loadtest.verdict.finding import Finding
from loadtest.verdict.sources import read_thresholds
from loadtest.verdict.thresholds import Thresholds


def archive_kind(target: str) -> Literal["embedded", "orthanc"] | Path:
    """What --target means."""
    if target in ("embedded", "orthanc"):
        return cast(Literal["embedded", "orthanc"], target)
    if not Path(target).is_file():
        files = ", ".join(map(str, sorted(Path("scenarios/targets").glob("*.toml"))))
        raise BadInput(f"--target {target}: must be embedded, orthanc, or a target file"
                       f"{f', such as {files}' if files else ''} (no file has this name)")  # fmt: skip
    return Path(target)


def traffic_file(traffic: Path | None) -> Path:
    """A traffic file, looked at before anything is started. Raises BadInput, TrafficProblem."""
    if traffic is None or not traffic.is_file():
        raise BadInput(f"{traffic or 'no traffic file'}: name a file made by `filmless traffic RUN --cluster C`")
    check_head(traffic)
    return traffic


def thresholds_for(traffic: Path, sla: Path | None) -> Thresholds | None:
    """What a play of this file is held to. Raises ScenarioErrors."""
    return read_thresholds(sla, [check_head(traffic).cluster]) if sla else None


@contextmanager
def placed(
    windows: Sequence[dict[str, Any]], target: str, kept: bool = False, law: str = ""
) -> Iterator[list[PlayJob]]:
    """A job for each window's traffic, each with an archive of its own; stores are removed afterwards.

    `kept`: on a disk, for memory does not survive what is to be survived. `law`: of the embedded archive.
    """
    kind, jobs = archive_kind(target), []
    with ExitStack() as archives:
        for window in windows:
            port = free_port()
            name = f"filmless-{window['cluster']}"
            folder = Path(archives.enter_context(TemporaryDirectory(prefix="filmless-store-"))) if kept else None
            movers, mode = {LISTENER: ("127.0.0.1", port)}, "disk" if folder else "memory"
            started = archives.enter_context(running(kind, name, movers, cast(Mode, mode), folder, law))
            jobs.append(PlayJob(Path(window["path"]), started, port if isinstance(kind, str) else 0))
        yield jobs


def measure_all(
    windows: Sequence[dict[str, Any]], target: str, out: Path, law: str = "", **order: Any
) -> tuple[Finding, dict[str, Any]]:
    """Play each window's traffic, all at once, and judge it; `order` is what `Order` takes beside the jobs."""
    kept = order.get("settings", {}).get("kill_at") is not None
    with placed(windows, target, kept, law) as jobs, progress("load") as report:
        return measure(Order(jobs, **order), out, report)


def play_all(windows: list[dict[str, Any]], target: str, out: Path) -> dict[str, Any]:
    """Play each window's traffic against an archive of its own, all at once; the result in short."""
    return measure_all(windows, target, out)[1]
