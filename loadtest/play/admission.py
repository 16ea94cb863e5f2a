"""Who may come to a master: a worker that proves the same token, while there is room; others are told why, as we are.

That it is turned away tells a stranger no more than silence would, for whoever is taken is sent a job.
"""

from collections.abc import Callable, Mapping

from loadtest.play.words import ALL_HERE, OTHER_TOKEN, TOKEN, is_proof
from loadtest.wire.errors import printable

MOST_TOLD = 10  # lines of workers turned away: anybody may knock as often as he likes
LONGEST_NAME = 64
_WORDS = {
    OTHER_TOKEN: f"its {TOKEN} is not ours: set the same one there and here, and start it again",
    ALL_HERE: "all have come that --workers asks for",
}


class Admission:
    """What a master answers to each HELLO, for `of` workers; `tell` takes a line for each that is turned away."""

    def __init__(self, of: int, tell: Callable[[str], None], environment: Mapping[str, str] | None = None) -> None:
        self._of, self._tell, self._environment = of, tell, environment
        self._taken: set[str] = set()
        self._told = self._others = 0

    def answer(self, client_id: str, proof: object) -> str | None:
        """Why it may not come, an empty word if it may; None, and nothing is said, to one who is a member already.

        So nobody can have a member sent away by speaking in its name.
        """
        if client_id in self._taken:
            return None
        why = self._refusal(client_id, proof)
        if why:
            self._tell_of(client_id, why)
        else:
            self._taken.add(client_id)
        return why

    def _refusal(self, client_id: str, proof: object) -> str:
        if not is_proof(client_id, proof, self._environment):
            self._others += 1
            return OTHER_TOKEN
        return "" if len(self._taken) < self._of else ALL_HERE

    def _tell_of(self, client_id: str, why: str) -> None:
        """By the name of its machine, which stands before the last underscore (rule Z1)."""
        self._told += 1
        if self._told <= MOST_TOLD:
            host = printable(client_id.rpartition("_")[0], LONGEST_NAME)
            last = "; no further one is told" if self._told == MOST_TOLD else ""
            self._tell(f"a worker of {host} is turned away: {_WORDS[why]}{last}")

    def words(self) -> str:
        """For the error of a master whose workers have not come: how many had another token."""
        return f"; {self._others} turned away, whose {TOKEN} is not ours" if self._others else ""
