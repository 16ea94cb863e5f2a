"""Generated documents are current, whole, and speak of nothing that there is not."""

import json
import re

import pytest

from filmless.docs import appraisal, facts, pages, rap
from filmless.docs.markdown import AUTO, HAND
from filmless.docs.stations import DISTRIBUTIONS, MEASURE_FORMULAS, STATION_WORDS
from filmless.docs.stress import ITEMS, stress_des
from filmless.docs.words import HAND as WORDS
from filmless.docs.words import QUESTIONS

ANSWERS = """1.1 1.2 1.3 2.1 2.2 2.3 2.4 2.5.1 2.5.2 2.5.3 2.5.4 2.5.5 3.1 3.2 3.3 3.4 4.1 4.2 4.3 5.1 5.2 5.3 5.4
    6.1""".split()  # noqa: SIM905


@pytest.fixture(scope="module")
def text() -> str:
    return stress_des()


def section(text: str, number: str) -> str:
    found = re.search(rf"^## {re.escape(number)} .*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, number
    return found[0]


def cells(part: str) -> list[list[str]]:
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    return [[c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


@pytest.mark.parametrize("name", list(pages.PAGES))
def test_documents_are_current(name: str) -> None:
    assert name not in pages.stale(), "run python -m filmless.docs and commit what it writes"


def test_all_answers_are_there_and_marked(text: str) -> None:
    assert [item for item, *_ in ITEMS] == ANSWERS
    for item in ANSWERS:
        part = section(text, item)
        assert (AUTO in part) != (HAND in part)
        assert len(part.split(AUTO if AUTO in part else HAND)[1].split()) > 5
    assert len(QUESTIONS) == 18


def test_no_cell_is_empty(text: str) -> None:
    found = cells(text)
    assert len(found) > 500
    assert all(c for row in found for c in row)


def test_every_station_is_described_and_none_more(text: str) -> None:
    """A station that the engines gain must be described in filmless/docs/stations.py."""
    assert set(STATION_WORDS) == set(facts.stations())
    delays = {"typing", "porter", "courier", "chase", "back", "view delay"}
    for item in ("2.5.2", "2.5.3", "2.5.4"):
        named = {row[0] for row in cells(section(text, item))[2:]} - delays
        assert named == set(facts.stations())


def test_every_measure_and_outcome_is_named_and_none_more(text: str) -> None:
    from sim.answers.outcomes import BY_ID

    assert set(MEASURE_FORMULAS) == set(facts.measures())
    named = {row[0] for row in cells(section(text, "1.2"))} - {"measure", "id", "---"}
    assert named == set(facts.measures()) | set(BY_ID)


def test_every_input_is_listed_once_and_none_more(text: str) -> None:
    named = [row[0] for row in cells(section(text, "3.3"))[2:]]
    assert len(named) == len(set(named))
    assert set(named) == {key for key, _ in facts.inputs()}
    last = {key.rsplit(".", 1)[-1] for key in named}
    assert set(DISTRIBUTIONS) <= last
    assumed = re.findall(r"`([^`]+)`", section(text, "3.4"))
    assert assumed == facts.assumed()


def test_every_column_and_source_is_listed(text: str) -> None:
    from dataclasses import fields

    from sim.world.exams import Exams

    assert [row[0] for row in cells(section(text, "2.5.1"))[2:]] == [f.name for f in fields(Exams)]
    assert {row[0] for row in cells(section(text, "3.1"))[2:]} == set(facts.world().sources)


def test_hand_written_words_name_files_that_exist() -> None:
    for words in WORDS.values():
        for path in re.findall(r"`((?:sim|filmless|loadtest|scenarios|tests|docs)/[\w./-]+)`", words):
            assert (pages.ROOT / path).exists(), path


def test_evidence_of_rap_exists_and_not_all_is_claimed() -> None:
    for _, _, paths, words, met in rap.ROWS:
        assert met in (rap.YES, rap.PARTLY, rap.NO)
        assert paths or words
        for path in paths:
            assert (pages.ROOT / path).exists(), path
    assert len(rap.ROWS) == 18
    assert {r[4] for r in rap.ROWS} == {rap.YES, rap.PARTLY, rap.NO}


def test_every_rule_of_appraisal_has_a_test_and_a_place_that_exist() -> None:
    codes = [code for code, *_ in appraisal.RULES]
    assert codes == [*(f"G{i}" for i in range(1, 13)), *(f"N{i}" for i in range(1, 11))]
    cells = json.loads((pages.ROOT / "notebooks" / "savings.ipynb").read_text())["cells"]
    lines = [line.strip() for c in cells if c["cell_type"] == "markdown" for line in c["source"]]
    heads = {line.lstrip("# ") for line in lines if line.startswith("#")}
    written = (pages.ROOT / "filmless" / "office" / "model.py").read_text()
    for code, _, tests, places in appraisal.RULES:
        assert tests
        assert places
        for name in tests:
            path, _, function = name.partition("::")
            assert f"def {function}(" in (pages.ROOT / path).read_text(), (code, name)
        for place in places:
            sheet = place.removeprefix("sheet ")
            assert place in heads or (sheet != place and f'"{sheet}"' in written), (code, place)


def test_an_old_document_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(pages.PAGES, "docs/rap.md", lambda: "something else\n")
    assert "docs/rap.md" in pages.stale()
