"""Files of thresholds: what is wrong is told with its line; what is right reads as a sentence."""

from pathlib import Path

import pytest

from loadtest.verdict.sources import read_thresholds
from loadtest.verdict.thresholds import Threshold, Thresholds
from sim.world.problems import ScenarioErrors

ROOT = Path(__file__).parents[3]
GOOD = """title = "t"
[thresholds.one]
statistic = "p95"
operation = "store"
limit = { value = 2, unit = "s", source = "req_response", status = "verified" }
"""


def read(folder: Path, text: str) -> Thresholds:
    file = folder / "sla.toml"
    file.write_text(text)
    return read_thresholds(file)


@pytest.mark.parametrize("file", sorted((ROOT / "scenarios" / "thresholds").glob("*.toml")), ids=lambda p: p.stem)
def test_shipped_files_are_good(file: Path) -> None:
    assert read_thresholds(file).thresholds


def test_a_line_reads_as_a_sentence(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD).thresholds["one"]
    assert found.words() == "store: p95 of response (over operations) at most 2 s"
    assert (found.scale, found.operations(), found.at_least) == (1.0, ("store",), False)


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("title", "titel", 1, "did you mean 'title'?"),
        ('"p95"', '"p96"', 3, "allowed: p50, p95, p99, p99.9, mean, error-share, achieved-rate"),
        ('"store"', '"stor"', 4, "did you mean 'store'?"),
        ('unit = "s"', 'unit = "GB"', 2, "limit.unit 'GB': for p95 of response it is one of s, ms, min"),
        ('unit = "s"', 'unit = "s", x = 1', 5, "limit.x: unknown key"),
        ('status = "verified"', 'status = "assumed"', 5, "give its range, low and high"),
        ("value = 2", 'value = "2"', 5, "limit.value"),
        ("value = 2", "value = -2.0", 2, "must be 0 or more"),
        ('operation = "store"', 'measure = "first-image"\noperation = "store"', 2, "is of get, move, wado or retrieve"),
        ('statistic = "p95"\n', "", 2, "this key is missing"),
        ("[thresholds.one]", "[thresholds.ONE]", 2, "match pattern"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int, told: str) -> None:
    with pytest.raises(ScenarioErrors) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert any(p.line == line and told in str(p) for p in caught.value.problems), str(caught.value)


def test_a_source_that_no_table_has_is_told_with_its_place_and_how_to_add_one(tmp_path: Path) -> None:
    with pytest.raises(ScenarioErrors) as caught:
        read(tmp_path, GOOD.replace("req_response", "req_respons"))
    (problem,) = caught.value.problems
    assert (problem.line, problem.key) == (5, "thresholds.one.limit.source")
    assert problem.file.endswith("sla.toml")
    assert "no row 'req_respons' in" in problem.message
    assert "scenarios/tables/sources.csv" in problem.message
    assert 'to add one: sources = "FILE.csv"' in problem.allowed
    assert problem.nearest == "req_response"


def test_a_file_may_have_sources_of_its_own(tmp_path: Path) -> None:
    text = GOOD.replace("req_response", "our_contract")
    (tmp_path / "ours.csv").write_text("id,source,address,year,note\nour_contract,contract of the house,,2026,\n")
    found = read(tmp_path, text.replace("[thresholds", 'sources = "ours.csv"\n[thresholds', 1))
    assert found.thresholds["one"].limit.source == "our_contract"
    with pytest.raises(ScenarioErrors, match=r"no row 'our_contract' in .*sources\.csv;"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("table", "told"),
    [(None, "there is no such file"), ("id,source\n,nobody\n", "bad.csv:2"), ("name\nx\n", "bad.csv:1")],
)
def test_a_table_of_sources_that_is_not_one_is_told(tmp_path: Path, table: str | None, told: str) -> None:
    if table is not None:
        (tmp_path / "bad.csv").write_text(table)
    with pytest.raises(ScenarioErrors, match=told):
        read(tmp_path, GOOD.replace("[thresholds", 'sources = "bad.csv"\n[thresholds', 1))


def test_where_no_table_came_with_the_program_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loadtest.verdict.sources.shipped_table", lambda: None)
    assert read(tmp_path, GOOD.replace("req_response", "whatever")).thresholds


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ScenarioErrors) as caught:
        read(tmp_path, GOOD.replace("title", "titel").replace('"p95"', '"p96"').replace('"store"', '"x"'))
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("statistic", "measure", "unit", "scale"),
    [
        ("error-share", "response", "%", 0.01),
        ("achieved-rate", "images", "1/h", 1 / 3600),
        ("achieved-rate", "bytes", "GB/h", 1e9 / 3600),
        ("achieved-rate", "response", "1/min", 1 / 60),
        ("p99.9", "complete-study", "ms", 0.001),
    ],
)
def test_units(statistic: str, measure: str, unit: str, scale: float) -> None:
    limit = {"value": 1.0, "unit": unit, "source": "x", "status": "verified"}
    said = {"statistic": statistic, "measure": measure, "operation": "any", "limit": limit}
    assert Threshold.model_validate(said).scale == pytest.approx(scale)
