"""One report, built once, for all tests of the page."""

import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from playwright.sync_api import Browser, sync_playwright

from filmless.report import build, notebooks, simulated
from tests.filmless.report.fake_run import limit_run, load_run, simulated_run

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


DRAWS = 400  # enough for a page's form


@dataclass(frozen=True)
class Runs:
    simulated: Path
    loads: list[Path]
    limits: list[Path]


@dataclass(frozen=True)
class Built:
    path: Path
    html: str
    executed: dict[str, NotebookNode]


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that is made once for all workers of a test run; the others wait for it."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            folder.mkdir()
            make(folder)
            (folder / "done").touch()
    return folder


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same number for the page that was built once and for what tests compare with it."""
    monkeypatch.setattr(simulated, "CASE_DRAWS", DRAWS)


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    def make(folder: Path) -> None:
        simulated_run(folder / "simulated")
        load_run(folder / "played")
        limit_run(folder / "limit")

    folder = once(tmp_path_factory, "report-runs", make)
    return Runs(folder / "simulated", [folder / "played"], [folder / "limit"])


@pytest.fixture(scope="session")
def built(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> Built:
    plain = notebooks.execute

    def make(folder: Path) -> None:
        def execute(path: Path, values: Any) -> NotebookNode:
            done = plain(path, values)
            nbformat.write(done, folder / path.name)
            return done

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(notebooks, "execute", execute)
            patch.setattr(simulated, "CASE_DRAWS", DRAWS)
            build.build_report(runs.simulated, runs.loads, folder / "report.html", limit_runs=runs.limits)

    folder = once(tmp_path_factory, "report-built", make)
    executed = {p.stem: nbformat.read(p, as_version=4) for p in folder.glob("*.ipynb")}
    return Built(folder / "report.html", (folder / "report.html").read_text(), executed)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()
