"""What a report may not say: that it is assured, where no assurer other than the analyst is named (Aqua Book)."""

import re
from html import unescape

from filmless.report.front_page import assurance
from filmless.report.simulated import Simulated
from sim.runs.store import RunProblem

_WORD = re.compile(r"\bassured\b", re.IGNORECASE)
_HIDDEN = re.compile(r"<style.*?</style>|<[^>]+>", re.S)


def says_assured(page: str) -> str:
    """The words around the first "assured" that a reader of the page would see; empty: there is none."""
    text = unescape(_HIDDEN.sub(" ", page))
    found = _WORD.search(text)
    return " ".join(text[max(0, found.start() - 60) : found.end() + 60].split()) if found else ""


def refuse_claims(page: str, sim: Simulated) -> None:
    """Let a page pass that claims no more than its run's metadata bear out.

    Raises:
        RunProblem: it says "assured" and no independent assurer is named; quotes the place and says how to name one.
    """
    if assurance(sim.run.manifest).independent:
        return
    if said := says_assured(page):
        raise RunProblem(
            f"{sim.run.folder}: the report would say '... {said} ...', and no assurer other than the analyst is named "
            "in the run's metadata: name one with filmless sign, or change the words"
        )
