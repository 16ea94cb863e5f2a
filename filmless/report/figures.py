"""The one door for figures: a figure that lacks a word, a number or an official colour does not pass.

Rules: Government Analysis Function, "Data visualisation: charts"; ONS chart titles; GSS "Communicating quality,
uncertainty and change". Titles are text beside the picture; the numbers lie below it in a table.
"""

import re
from dataclasses import dataclass
from html import escape
from typing import Any
from xml.etree import ElementTree as ET

import pandas as pd
from matplotlib.figure import Figure as Canvas

from filmless.report.palette import PALETTE, outside_palette
from filmless.report.svg import as_text, has_picture, svg_colours, to_svg
from filmless.report.tables import folded, html_table, problems

HOWS = ("simulated", "measured", "simulated and measured", "estimated")
MOST_WORDS = 14  # ten are better
ALT_LENGTH = range(20, 301)
_KEY = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_WORDS = ("title", "measure", "unit", "place", "period", "band", "source")


@dataclass(frozen=True)
class Figure:
    """All that a figure owes its reader; `to_html` refuses it otherwise.

    key: its name in the page, lower case with hyphens; title: the message; measure, unit, place, period, how: the
    subtitle (how: simulated, measured, ...); alt: kind of chart and finding, 20 to 300 characters; band: what bars,
    whiskers or ribbons about the values show; source: publication or run; canvas: the drawing; data: its numbers.
    """

    key: str
    title: str
    measure: str
    unit: str
    place: str
    period: str
    how: str
    alt: str
    band: str
    source: str
    canvas: Canvas
    data: pd.DataFrame
    row_heads: int = 1

    @property
    def subtitle(self) -> str:
        """Measure, unit, place, period, and whether it was simulated or measured."""
        return f"{self.measure}, {self.unit}, {self.place}, {self.period}, {self.how}"

    def _word_problems(self) -> list[str]:
        out = [f"its {name} is missing" for name in _WORDS if not getattr(self, name).strip()]
        if not _KEY.fullmatch(self.key):
            out.append(f"its key '{self.key}' is not lower case with hyphens")
        if len(self.title.split()) > MOST_WORDS:
            out.append(f"its title has {len(self.title.split())} words; the message must fit in {MOST_WORDS}")
        if self.how not in HOWS:
            out.append(f"its how is '{self.how}'; it must be one of {', '.join(HOWS)}")
        return out

    def _alt_problems(self) -> list[str]:
        alt = self.alt.strip()
        if not alt:
            return ["its alt text is missing"]
        if len(alt) not in ALT_LENGTH:
            return [f"its alt text has {len(alt)} characters; it must have {ALT_LENGTH[0]} to {ALT_LENGTH[-1]}"]
        return ["its alt text only repeats the title"] if alt.casefold() == self.title.strip().casefold() else []

    def _drawing_problems(self, svg: ET.Element) -> list[str]:
        bad = outside_palette(svg_colours(svg))
        out = [f"it uses {', '.join(bad)}; allowed are {', '.join(PALETTE)} and greys"] if bad else []
        if has_picture(svg):
            out.append("it holds a raster picture; draw it as lines and shapes")
        if self.canvas.get_suptitle():
            out.append("it has a title inside the picture; the title is text beside it")
        return out

    def to_html(self) -> str:
        """The `<figure>`: title and subtitle, inline SVG, notes, and the data behind a disclosure.

        Raises:
            ValueError: names everything that is missing or not allowed.
        """
        svg = to_svg(self.canvas, f"fig-{self.key}")
        found = [*self._word_problems(), *self._alt_problems(), *problems(self.data), *self._drawing_problems(svg)]
        if found:
            raise ValueError(f"figure '{self.key}' cannot be shown: {'; '.join(found)}")
        table = html_table(self.data, f"{self.title}: {self.subtitle}", self.row_heads)
        return (
            f'<figure id="fig-{self.key}"><figcaption><p class="message">{escape(self.title)}</p>'
            f'<p class="subtitle">{escape(self.subtitle)}</p></figcaption>{as_text(svg, self.alt.strip())}'
            f'<p class="note">{escape(self.band)}</p><p class="note">Source: {escape(self.source)}</p>'
            f'<details><summary>Data of figure: {escape(self.title)}</summary>{table}</details></figure>'
        )  # fmt: skip


def _display(html: str) -> None:
    from IPython import display

    shown: Any = display
    shown.display(shown.HTML(html))


def show(figure: Figure) -> None:
    """Display the figure in a notebook.

    Raises:
        ValueError: see `Figure.to_html`.
    """
    _display(figure.to_html())


def show_table(data: pd.DataFrame, caption: str, row_heads: int = 1) -> None:
    """Display a table in a notebook; the caption carries unit, place, period and whether it was simulated."""
    _display(folded(data, caption, row_heads))
