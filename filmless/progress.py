"""Progress for everything over two seconds: a bar on a terminal, a plain line each ten seconds elsewhere. On stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Report = Callable[[int, int, str], None]
EVERY_S = 10.0


def _plain(title: str) -> Report:
    begun = last = monotonic()

    def report(done: int, total: int, text: str) -> None:
        nonlocal last
        now = monotonic()
        if now - last < EVERY_S:
            return
        last = now
        left = f", about {(now - begun) / done * (total - done):.0f} s left" if done else ""
        print(f"{title}: {100 * done / max(total, 1):.0f} % ({text}){left}", file=sys.stderr, flush=True)

    return report


@contextmanager
def progress(title: str) -> Iterator[Report]:
    """A reporter `report(done, total, text)` for one piece of work."""
    if not sys.stderr.isatty():
        yield _plain(title)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
               TextColumn("{task.fields[text]}"), TimeElapsedColumn(), TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None, text="")
        yield lambda done, total, text: bar.update(task, completed=done, total=total, text=text)
