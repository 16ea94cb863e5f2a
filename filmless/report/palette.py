"""The public-sector palette and the look of every figure.

Colours and their order: Government Analysis Function, "Data visualisation: colours in charts". Each has a contrast
of at least 3 : 1 with white, so they are for marks; words in figures are dark grey.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib import style

BLUE, TEAL, PLUM, ORANGE = "#12436D", "#28A197", "#801650", "#F46A25"
PALETTE = (BLUE, TEAL, PLUM, ORANGE)
TEXT, MUTED, PALE = "#262626", "#595959", "#BFBFBF"
WORLD_COLOUR = {"film": ORANGE, "pacs": BLUE, "plan": PLUM, "measured": TEAL}
WORLD_MARKER = {"film": "s", "pacs": "o", "plan": "D", "measured": "^"}
WORLD_NAME = {"film": "film", "pacs": "PACS", "plan": "as planned", "measured": "measured"}

_HEX = re.compile(r"#[0-9a-fA-F]{6}(?![0-9a-zA-Z])")
FONTS = "Arial, Helvetica, 'Liberation Sans', sans-serif"

_SETTINGS: Any = {  # matplotlib's names of settings, too many to type
    "svg.fonttype": "none",
    "text.parse_math": False,  # a trust may be called "$x$"
    "font.sans-serif": ["DejaVu Sans"],  # measured with the widest; the page asks for FONTS, which fit inside
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.labelsize": 9.0,
    "axes.labelcolor": TEXT,
    "text.color": TEXT,
    "xtick.labelcolor": TEXT,
    "ytick.labelcolor": TEXT,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "axes.edgecolor": PALE,
    "grid.color": "#D9D9D9",
    "lines.linewidth": 1.6,
    "figure.dpi": 96.0,
}


def is_grey(colour: str) -> bool:
    """Black, white and every grey between them."""
    return colour[1:3].lower() == colour[3:5].lower() == colour[5:7].lower()


def outside_palette(colours: Iterable[str]) -> list[str]:
    """Those of the colours (#rrggbb) that a figure may not use, in order."""
    allowed = {c.lower() for c in PALETTE}
    return sorted({c.lower() for c in colours if c.lower() not in allowed and not is_grey(c)})


def colours_in(css: str) -> list[str]:
    """Every #rrggbb in an attribute value."""
    return _HEX.findall(css)


@contextmanager
def look() -> Iterator[None]:
    """Draw within this: afcharts' style (Government Analysis Function) with the settings of this report."""
    with style.context("afcharts.afcharts"), mpl.rc_context(_SETTINGS):
        yield
