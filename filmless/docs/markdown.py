"""Tables in Markdown, and the words that mark who wrote an answer."""

from collections.abc import Iterable, Sequence

AUTO = "*made from the code and the scenario*"
HAND = "*written by hand*"


def cell(text: object) -> str:
    """One cell: no line break, no bar that would end it; never empty."""
    words = " ".join(str(text).split()).replace("|", "\\|")
    return words or "none"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table with one head row."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell(x) for x in line) + " |" for line in lines)


def number(value: float | None) -> str:
    """A value as in the scenario."""
    return "none given" if value is None else f"{value:,.10g}"
