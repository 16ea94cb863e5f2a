"""Progress for everything over two seconds: a bar on a terminal, a plain line each ten seconds elsewhere. On stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from threading import Event, Thread
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Report = Callable[[int, int, str], None]
EVERY_S = 10.0


def _plain(title: str) -> Report:
    begun = last = monotonic()
    most = 0

    def report(done: int, total: int, text: str) -> None:
        nonlocal begun, last, most
        now = monotonic()
        if done < most:  # another part of the work begins: what is left is counted from here
            begun = now
        most = done
        if now - last < EVERY_S:
            return
        last = now
        left = f", about {(now - begun) / done * (total - done):.0f} s left" if done else ""
        print(f"{title}: {100 * done / max(total, 1):.0f} % ({text}){left}", file=sys.stderr, flush=True)

    return report


@contextmanager
def waiting(words: str) -> Iterator[None]:
    """A plain line on stderr each ten seconds, for what tells nothing of itself: the words, and since when."""
    begun, over = monotonic(), Event()

    def tell() -> None:
        while not over.wait(EVERY_S):
            print(f"{words}: {monotonic() - begun:.0f} s so far", file=sys.stderr, flush=True)

    teller = Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


@contextmanager
def progress(title: str, alive: bool = False) -> Iterator[Report]:
    """A reporter `report(done, total, text)` for one piece of work.

    `alive`: parts of it last long and report nothing; off a terminal a line comes all the same. (A thread says it: not
    for work that forks.)
    """
    if not sys.stderr.isatty():
        with waiting(title) if alive else nullcontext():
            yield _plain(title)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
               TextColumn("{task.fields[text]}"), TimeElapsedColumn(), TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None, text="")
        yield lambda done, total, text: bar.update(task, completed=done, total=total, text=text)
