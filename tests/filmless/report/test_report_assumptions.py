"""The assumptions log holds every assumption, and no sentence of the report states one as a fact."""

import re
from datetime import date
from html import unescape
from pathlib import Path

import pandas as pd
import pytest

from filmless.failures import BadInput
from filmless.report.assumption_log import COLUMNS, log, shown, write_log
from filmless.report.assumptions import TABLES, figures
from filmless.report.claims import refuse_claims, says_assured
from filmless.report.simulated import Simulated
from filmless.report.tables import number, problems
from filmless.sign import sign_run
from sim.answers.case import Case, build_case
from sim.runs.experiment import simulate
from sim.runs.spec import Spec
from sim.runs.store import Run, RunProblem
from sim.world.quantity import ASSUMPTIONS, Quantity
from tests.filmless.report.conftest import Built, Runs
from tests.sim.tiny import tiny_world

SPEC = Spec(("west",), date(2006, 3, 13), date(2006, 3, 14), 7, 3, warm_up_days=1, cool_down_days=1, processes=1)


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    folder = tmp_path_factory.mktemp("log")
    return Simulated(simulate(tiny_world(folder / "scenario"), SPEC, folder / "run"))


@pytest.fixture(scope="module")
def case(sim: Simulated) -> Case:
    return build_case(Run(sim.run.folder), 200)


def test_every_assumption_is_in_the_log_as_one(sim: Simulated, case: Case) -> None:
    rows = log(sim, case)
    assert tuple(rows.columns) == COLUMNS
    assert rows["id"].is_unique
    wanted = {key for key, q in figures(sim.world.scenario) if q.status in ASSUMPTIONS}
    assert wanted <= set(rows["id"])
    assert set(rows["status"]) <= set(ASSUMPTIONS)
    in_tables = sum(r.status in ASSUMPTIONS for name in TABLES for r in getattr(sim.world, name))
    assert rows["note"].str.startswith("table ").sum() == in_tables > 0
    for i in case.inputs.to_dict("records"):
        assert i["status"] not in ASSUMPTIONS or i["key"] in set(rows["id"])


def test_effects_are_the_tornados(sim: Simulated, case: Case) -> None:
    rows = log(sim, case).set_index("id")
    top = case.sensitivity.tornado.iloc[0]
    assert rows.loc[top["input"], "effect_on_npv_of_low"] == pytest.approx(top["npv_low_gbp"] - top["npv_gbp"])
    assert rows.loc[top["input"], "effect_on_npv_of_high"] == pytest.approx(top["npv_high_gbp"] - top["npv_gbp"])
    assert 0 <= rows.loc[top["input"], "share_of_variance"] <= 1
    assert rows.loc["network.lan", "evppi"] == "not an input of the money model"


def test_every_assumption_has_range_reliability_and_people(sim: Simulated) -> None:
    rows = log(sim, None)
    plain = rows[rows["id"].isin({k for k, q in figures(sim.world.scenario) if isinstance(q, Quantity)})]
    assert plain[["low", "high"]].notna().all(axis=None)
    assert set(rows["reliability"]) <= {"high", "medium", "low"}
    assert set(rows["signed_by"]) == {"nobody"}
    assert rows[["made_by", "date", "refresh_by"]].map(len).gt(0).all(axis=None)


def test_the_csv_lies_beside_the_report(sim: Simulated, case: Case, tmp_path: Path) -> None:
    path = write_log(sim, case, tmp_path / "report.html")
    assert path.name == "report-assumptions.csv"
    assert len(pd.read_csv(path)) == len(log(sim, case))
    assert problems(shown(sim, case)) == []


def test_the_word_is_refused_without_an_assurer(sim: Simulated, tmp_path: Path) -> None:
    import shutil

    folder = shutil.copytree(sim.run.folder, tmp_path / "signed")
    page = "<p>These figures are assured.</p>"
    refuse_claims("<style>.assured{}</style><p class='assured'>Rest.</p>", sim)
    with pytest.raises(RunProblem, match=r"figures are assured.*name one with filmless sign"):
        refuse_claims(page, sim)
    with pytest.raises(BadInput, match="must be different people"):
        sign_run(folder, False, analyst="Ann", assurer="ann ")
    sign_run(folder, False, analyst="Ann")
    with pytest.raises(RunProblem):
        refuse_claims(page, Simulated(folder))
    sign_run(folder, False, assurer="Bob", date="1 May 2007")
    signed = Simulated(folder)
    refuse_claims(page, signed)
    assert signed.run.results_hash == sim.run.results_hash
    assert set(log(signed, None)["made_by"]) == {"Ann"}


def test_says_assured_looks_at_words_only() -> None:
    assert says_assured('<p id="assured">un-assuring &amp; assuredly</p>') == ""
    assert "is Assured by" in says_assured("<b>This</b> is <i>Assured</i> by me")


def sentences(html: str) -> list[str]:
    """Words outside tables and pictures, cut at full stops."""
    prose = re.sub(r"(?s)<table.*?</table>|<svg.*?</svg>|<style.*?</style>|<pre.*?</pre>", " ", html)
    blocks = re.split(r"</?(?:p|li|h\d|div|section|figure|figcaption|summary|caption)[^>]*>", prose)
    texts = [" ".join(unescape(re.sub(r"<[^>]+>", " ", b)).split()) for b in blocks]
    return [s for t in texts for s in re.split(r"(?<=[.;:]) ", t) if s]


UNITS = {"GBP": "£{}", "min": "{} min", "h": "{} h", "%/yr": "{} %", "share": "{} share", "mSv": "{} mSv"}
HEDGES = ("assum", "range", "draws", "interval", "estimated", "simulated")


@pytest.mark.xdist_group("report-page")
def test_no_sentence_states_an_assumption_as_a_fact(built: Built, runs: Runs) -> None:
    """Neither by value and unit, nor by naming its source, without a word that says what it is."""
    sim = Simulated(runs.simulated)
    said = sentences(built.html)
    assert len(said) > 50
    assert "prices.sheet" in built.html  # in tables
    rows = [(k, q) for k, q in figures(sim.world.scenario) if q.status in ASSUMPTIONS and isinstance(q, Quantity)]
    for key, q in rows:
        value = re.compile(r"(?<![\d.,])" + re.escape(UNITS.get(q.unit, "\0").format(number(q.value))))
        known = sim.world.sources.get(q.source)
        source = known.source if known and q.source != "assumption" else "\0"
        for sentence in said:
            if value.search(sentence) or source in sentence:
                assert any(h in sentence.casefold() for h in HEDGES), (key, sentence)


@pytest.mark.xdist_group("report-page")
def test_the_report_does_not_use_the_word(built: Built) -> None:
    assert says_assured(built.html) == ""
    assert built.path.with_name("report-assumptions.csv").is_file()
