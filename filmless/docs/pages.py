"""The generated documents by name."""

from collections.abc import Callable
from pathlib import Path

from filmless.docs.appraisal import appraisal
from filmless.docs.rap import rap
from filmless.docs.stress import stress_des

ROOT = Path(__file__).parents[2]
PAGES: dict[str, Callable[[], str]] = {
    "docs/stress-des.md": stress_des, "docs/rap.md": rap, "docs/appraisal.md": appraisal,
}  # fmt: skip


def stale() -> list[str]:
    """Documents that differ from what the code would write now, or are missing."""
    return [name for name, make in PAGES.items()
            if not (ROOT / name).is_file() or (ROOT / name).read_text(encoding="utf-8") != make()]  # fmt: skip
