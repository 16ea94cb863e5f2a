"""The one door for figures: what passes, what is refused, and what the HTML is."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure as Canvas

from filmless.report.figures import Figure
from filmless.report.palette import BLUE, ORANGE, TEXT, look, outside_palette
from filmless.report.panels import panels, time_axis, wrapped
from filmless.report.tables import cell, folded, html_table, number


def canvas(colour: str = BLUE) -> Canvas:
    with look():
        figure = Canvas(figsize=(3, 2))
        axis = figure.subplots()
        axis.plot([0, 1], [0, 1], color=colour, marker="o")
        axis.fill_between([0, 1], [0, 0], [1, 2], color=colour, alpha=0.3)
        axis.set_xlabel("hours")
    return figure


def figure(**changes: Any) -> Figure:
    whole = Figure(
        key="test", title="PACS is sooner", measure="Exam to report", unit="hours", place="England", period="2007",
        how="simulated", alt="Line chart with one rising line, for a test.", band="Ribbon: 95 % interval.",
        source="a test", canvas=canvas(), data=pd.DataFrame({"cluster": ["South"], "value (hours)": [1234.5]}),
    )  # fmt: skip
    return replace(whole, **changes)


class Tags(HTMLParser):
    """Elements, ids, references and text of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.references: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            self.references.update(re.findall(r"url\(#([^)]+)\)", value or ""))
            if name.endswith("href") and (value or "").startswith("#"):
                self.references.add((value or "")[1:])

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_whole_figure_carries_all_its_parts():
    html = figure().to_html()
    for part in ("<details>", 'role="img"', 'aria-label="Line chart with one rising line, for a test."',
                 "PACS is sooner", "Exam to report, hours, England, 2007, simulated", "Ribbon: 95 % interval.",
                 "Source: a test",
                 '<th scope="col">cluster</th>', '<th scope="row">South</th>', "1,234", ">hours</text>"):  # fmt: skip
        assert part in html


@pytest.mark.parametrize("name", ["title", "measure", "unit", "place", "period", "band", "source"])
def test_a_missing_word_is_named(name: str):
    with pytest.raises(ValueError, match=f"its {name} is missing"):
        figure(**{name: " "}).to_html()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"alt": ""}, "its alt text is missing"),
        ({"alt": "too short"}, "alt text has 9 characters; it must have 20 to 300"),
        ({"alt": "x" * 301}, "alt text has 301 characters"),
        ({"title": "Reports come sooner on PACS", "alt": "reports come sooner on pacs"}, "only repeats the title"),
        ({"title": "one " * 15}, "its title has 15 words"),
        ({"how": "guessed"}, "its how is 'guessed'; it must be one of simulated, measured"),
        ({"key": "Has Blanks"}, "is not lower case with hyphens"),
        ({"data": pd.DataFrame({"a": []})}, "no rows"),
        ({"data": pd.DataFrame({"a": [1], " ": [2]})}, "has no name"),
        ({"data": pd.DataFrame([[1, 2]], columns=["a", "a"])}, "the same name"),
        ({"canvas": canvas("#1f77b4")}, r"it uses #1f77b4; allowed are #12436D"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(changes: dict[str, Any], words: str):
    with pytest.raises(ValueError, match=words):
        figure(**changes).to_html()


def test_all_problems_are_named_at_once():
    with pytest.raises(ValueError, match=r"title is missing.*source is missing.*alt text is missing"):
        figure(title="", source="", alt="").to_html()


def test_titles_and_pictures_inside_the_drawing_are_refused():
    titled, raster = canvas(), canvas()
    titled.suptitle("PACS is sooner")
    raster.axes[0].imshow(np.zeros((4, 4)), cmap="gray")
    with pytest.raises(ValueError, match="title inside the picture"):
        figure(canvas=titled).to_html()
    with pytest.raises(ValueError, match="raster picture"):
        figure(canvas=raster).to_html()


def test_only_the_palette_and_greys():
    assert outside_palette(["#12436D", "#12436d", "#f46a25", "#000000", "#BFBFBF", "#ffffff"]) == []
    assert outside_palette(["#FF0000", "#12436E"]) == ["#12436e", "#ff0000"]


def test_ids_of_two_figures_never_meet_and_every_reference_resolves():
    one, two = Tags(figure(key="one").to_html()), Tags(figure(key="two", canvas=canvas(ORANGE)).to_html())
    assert not set(one.ids) & set(two.ids)
    for tags in (one, two):
        assert len(set(tags.ids)) == len(tags.ids)
        assert tags.references <= set(tags.ids)
        assert len(tags.references) >= 2  # a clip path and a marker


def test_the_same_figure_gives_the_same_bytes():
    assert figure().to_html() == figure().to_html()


def test_words_in_figures_are_dark_grey_text():
    canvas_, axes = panels(["A cluster with a long name", "Another"], 2.0)
    with look():
        axes[0].plot([0, 1], [0, 1], color=ORANGE)
        time_axis(axes[0], 1, 1e6)
    html = figure(canvas=canvas_).to_html()
    fills = re.findall(r"<text[^>]*style=\"[^\"]*\"", html)
    assert fills
    assert all(f"fill: {TEXT}" in f or "fill:" not in f for f in fills)
    assert "1 min" in html


HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</svg><b>", "$x^2$", "a & b", "\x1b[31mred"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_stay_text(text: str):
    drawn = canvas()
    drawn.axes[0].set_ylabel(text.replace("\x1b", ""))
    tags = Tags(figure(title=text, place=text, source=text, canvas=drawn,
                       data=pd.DataFrame({"cluster": [text], f"value {text}": [1.0]})).to_html())  # fmt: skip
    assert not {"script", "img", "b"} & set(tags.tags)
    assert text in tags.text


@given(st.text(min_size=1), st.floats(), st.integers())
@settings(max_examples=60, deadline=None)
def test_any_value_makes_a_table_without_empty_cells(text: str, real: float, whole: int):
    html = html_table(pd.DataFrame({"name": [text], "real": [real], "whole": [str(whole)]}), "a table")
    assert set(Tags(html).tags) <= {"div", "table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert "></td>" not in html
    assert "></th>" not in html


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234567, "1,234,567"), (1234.567, "1,235"), (0.5, "0.500"), (12.345, "12.3"), (-0.0123, "-0.0123"), (0.0, "0"),
     (float("nan"), "[x]"), (float("inf"), "[x]"), (None, "[x]"), ("", "[x]"), (True, "yes"), ("word", "word")],
)  # fmt: skip
def test_numbers_in_cells(value: object, text: str):
    assert cell(value) == text


def test_number_keeps_the_digits_asked_for():
    assert number(25786176.3, 5) == "25,786,176"
    assert number(3.14159, 5) == "3.1416"


def rows(n: int) -> Iterator[int]:
    return iter(range(n))


def test_long_tables_are_folded():
    assert folded(pd.DataFrame({"a": list(rows(12))}), "short").startswith("<div")
    assert folded(pd.DataFrame({"a": list(rows(13))}), "long").startswith("<details><summary>Table, 13 rows: long")


def test_names_of_panels_are_wrapped_at_words():
    assert wrapped("North East, Yorkshire and the Humber") == "North East,\nYorkshire and the\nHumber"
