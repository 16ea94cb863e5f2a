"""What could not be asked of the archives after the play, as lines of the result.

One study must not cost a whole run: whatever goes wrong with it is told, and the next one is asked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb

import loadtest
from loadtest.wire import WireError
from loadtest.wire.errors import printable

MOST_LINES = 100
OTHERS = "other things that could not be asked"
_OURS = str(Path(loadtest.__file__).parent)


@dataclass
class _Trouble:
    line: str
    times: int = 0


class Troubles:
    """Each thing once, in the order in which they came first, and how often it came."""

    def __init__(self) -> None:
        self._told: dict[str, _Trouble] = {}

    def tell(self, what: str, why: str, first: str = "") -> None:
        """Count one trouble; `first` is told of its first time only."""
        line = f"{what}: {why}"
        key = line if line in self._told or len(self._told) < MOST_LINES else OTHERS
        self._told.setdefault(key, _Trouble(OTHERS if key == OTHERS else line + first)).times += 1

    @contextmanager
    def caught(self, what: str, study_uid: str) -> Iterator[None]:
        """A block about one study, none of whose exceptions is raised.

        Of what is no WireError the line has the place in our code and the study: it may be a mistake of ours.
        """
        try:
            yield
        except WireError as error:
            self.tell(what, str(error))
        except Exception as error:  # what an archive may say to break us is not known beforehand
            why = f"{type(error).__name__} at {_place(error)}"
            self.tell(what, why, f": {printable(str(error))} (study {study_uid})")

    def lines(self) -> list[str]:
        """All that was told."""
        return [f"{one.line} ({one.times} times)" for one in self._told.values()]


def _place(error: Exception) -> str:
    """File and line of the innermost call of ours."""
    frames = extract_tb(error.__traceback__)[1:]  # the first is `caught` itself
    ours = [one for one in frames if one.filename.startswith(_OURS)] or frames
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "an unknown place"
