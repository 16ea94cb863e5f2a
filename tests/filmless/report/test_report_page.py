"""The page in a real browser: offline, accessible, whole; and its words against the runs."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from filmless.report import build
from filmless.report.assumption_log import shown
from filmless.report.front_page import assurance
from filmless.report.front_table import front_rows, lines, print_front
from filmless.report.measured import Measured
from filmless.report.notebooks import Chapter
from filmless.report.simulated import Simulated
from sim.runs.store import Run, RunProblem, RunWriter
from tests.filmless.report.conftest import Built, Runs
from tests.filmless.report.fake_run import load_run

pytestmark = pytest.mark.xdist_group("report-page")
CLUSTERS = ("Southern", "London", "East and East Midlands", "North East", "North West and West Midlands")
CHAPTERS = ("latency", "storage", "savings", "planner")


@dataclass
class Opened:
    page: Page
    requests: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)


def open_page(browser: Browser, path: Path, width: int = 1200) -> Opened:
    opened = Opened(browser.new_page(viewport={"width": width, "height": 900}, bypass_csp=False))
    opened.page.on("request", lambda r: opened.requests.append(r.url))
    opened.page.on("console", lambda m: opened.console.append(f"{m.type}: {m.text}"))
    opened.page.on("pageerror", lambda e: opened.console.append(str(e)))
    opened.page.goto(path.as_uri(), wait_until="networkidle")
    return opened


@pytest.fixture(scope="module")
def opened(browser: Browser, built: Built) -> Iterator[Opened]:
    found = open_page(browser, built.path)
    yield found
    found.page.close()


def test_nothing_is_asked_of_the_network(opened: Opened, built: Built):
    assert opened.requests == [built.path.as_uri()]
    assert opened.console == []


def test_no_accessibility_finding(browser: Browser, built: Built):
    opened = open_page(browser, built.path)
    opened.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    # six rows of each table stand for all, and an image is one thing: thousands of nodes take half a minute
    opened.page.evaluate(
        "document.querySelectorAll('tbody').forEach(b => [...b.rows].slice(6).forEach(r => r.remove()))"
    )
    opened.page.evaluate("document.querySelectorAll('svg[role=img]').forEach(s => s.replaceChildren())")
    found = Axe().run(opened.page).response
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found["violations"]] == []
    assert len(found["passes"]) > 20
    opened.page.close()


def test_narrow_windows_scroll_tables_and_not_the_page(browser: Browser, built: Built):
    narrow = open_page(browser, built.path, 320).page
    assert narrow.evaluate("document.documentElement.scrollWidth") <= 320
    narrow.close()


def test_each_figure_has_its_alternative_and_its_data(opened: Opened):
    figures = opened.page.evaluate("""[...document.querySelectorAll('figure')].map(f => ({
        id: f.id, title: f.querySelector('.message').textContent, subtitle: f.querySelector('.subtitle').textContent,
        alt: f.querySelector('svg[role=img]').getAttribute('aria-label'),
        notes: [...f.querySelectorAll('.note')].map(n => n.textContent),
        rows: f.querySelectorAll('details table tbody tr').length,
        heads: [...f.querySelectorAll('details thead th')].map(h => [h.textContent, h.getAttribute('scope')]),
        wide: f.querySelector('svg').getBoundingClientRect().width}))""")
    assert len(figures) >= 14
    for f in figures:
        assert 20 <= len(f["alt"]) <= 300, f
        assert f["alt"] != f["title"]
        assert re.search("simulated|measured|estimated", f["subtitle"]), f
        assert f["notes"][-1].startswith("Source: ")
        assert len(f["notes"]) == 2
        assert f["rows"] >= 5, f
        assert all(text.strip() and scope == "col" for text, scope in f["heads"])
        assert f["wide"] > 600


NATIONAL = {
    "fig-case-waterfall",
    "fig-case-fan",
    "fig-case-tornado",
    "fig-knee",
}  # one answer for the nation; tables by cluster


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_five_clusters_in_each_chapter(opened: Opened, chapter: str):
    figures = opened.page.query_selector_all(f"#{chapter} figure")
    by_cluster = [f for f in figures if f.get_attribute("id") not in NATIONAL]
    assert len(by_cluster) >= 3
    for svg in by_cluster:
        words = " ".join((svg.text_content() or "").split())
        for cluster in CLUSTERS:
            assert all(word in words for word in cluster.split()), (chapter, cluster)
    text = opened.page.text_content(f"#{chapter}") or ""
    assert all(c in text for c in CLUSTERS)


def test_headings_are_in_order(opened: Opened):
    levels = opened.page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    assert opened.page.get_attribute("html", "lang") == "en-GB"


def test_ids_are_unique_and_links_lead_somewhere(opened: Opened):
    ids = opened.page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    links = opened.page.evaluate("[...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))")
    assert len(links) > 15
    assert all(href.startswith("#") and href[1:] in ids for href in links)


def test_the_keyboard_reaches_everything(browser: Browser, built: Built):
    page = open_page(browser, built.path).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.tagName"))
    assert {"DIV", "A", "SUMMARY"} <= seen
    page.close()


def test_it_prints(opened: Opened):
    assert len(opened.page.pdf(format="A4")) > 50_000


def test_there_is_no_script_and_no_machine_path(built: Built, runs: Runs):
    assert "<script" not in built.html
    assert 'http-equiv="Content-Security-Policy" content="default-src \'none\'' in built.html
    assert str(runs.simulated.parent) not in built.html
    assert len(built.html) < 3_000_000


def test_the_front_table_is_the_terminals(runs: Runs, built: Built, capsys: pytest.CaptureFixture[str]):
    rows = front_rows(runs.simulated, runs.loads)
    print_front(rows)
    terminal = capsys.readouterr().out
    assert "[u] indicative" in terminal
    for line in lines(rows):
        for text, ends in line.cells:
            assert text in terminal
            small = f" <small>{ends}</small>" if ends else ""
            assert f"<td>{text}{small}</td>" in built.html


def test_front_rows_are_numbers_of_the_run(runs: Runs):
    rows = json.loads(json.dumps(front_rows(runs.simulated, runs.loads), allow_nan=False))
    assert [r["cluster"] for r in rows] == ["south", "london", "east", "northeast", "northwest", "all"]
    flows = Run(runs.simulated).table("flows")
    flows = flows[(flows["world"] == "pacs") & (flows["cluster"] == "london")]
    assert rows[1]["exams"] == pytest.approx(flows["exams"].sum() / 3)
    assert rows[1]["gb"] == pytest.approx(flows["bytes"].sum() / 3e9)
    for name in ("trusts", "exams", "images", "cash_released_gbp"):
        assert sum(r[name] for r in rows[:5]) == pytest.approx(rows[5][name])
    for r in rows:
        assert r["report_pacs_p50_s"] < r["report_film_p50_s"] < r["report_film_p95_s"]
        assert r["store_p95_s_low"] <= r["store_p95_s"] <= r["store_p95_s_high"]


def test_without_a_measured_run_the_front_table_says_so(runs: Runs):
    rows = front_rows(runs.simulated, [])
    assert {line.label: line.cells[0] for line in lines(rows)}["Store a study, 95th percentile, measured"] == (
        "[x]", "not played",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("people", "verdict", "why"),
    [
        (None, "Without independent assurance.", "No assurer is named"),
        ("Bob", "Without independent assurance.", "No assurer is named"),
        ({"analyst": "Ann"}, "Without independent assurance.", "No assurer is named"),
        ({"analyst": "", "assurer": "Bob"}, "Without independent assurance.", "but no analyst is"),
        ({"analyst": "Ann", "assurer": " ann "}, "Without independent assurance.", "must be different people"),
        ({"analyst": "Ann", "assurer": "Bob", "date": "1 May 2007"}, "Assured by Bob, 1 May 2007.", "Analyst: Ann."),
    ],
)
def test_assured_only_by_somebody_else(people: Any, verdict: str, why: str):
    found = assurance({"quality_assurance": people})
    assert found.verdict == verdict
    assert why in found.words


def test_the_page_says_that_it_is_not_assured(opened: Opened):
    assert "Without independent assurance. No assurer is named" in opened.page.inner_text(".assurance")


def _hostile(runs: Runs, folder: Path) -> tuple[Path, Path]:
    """The same runs with names that try to leave their cell."""
    bad = '"><img src=x onerror=alert(1)><script>alert(2)</script>\x1b[31m'
    run = Run(runs.simulated)
    with RunWriter(folder / 'sim"><b>') as writer:
        for file in run.manifest["files"]:
            shutil.copy(runs.simulated / file, writer.path(file))
        sites = run.table("sites")
        writer.table("sites", sites.assign(trust_name=bad, name=bad))
        scenario = json.loads(json.dumps(run.manifest["scenario"]))
        scenario["scenario"]["title"] = scenario["scenario"]["country"] = bad
        scenario["scenario"]["clusters"]["south"]["name"] = bad
        scenario["sources"][0]["source"] = bad
        sim = writer.close({**run.manifest, "title": bad, "scenario": scenario, "machine": {"system": bad}})
    targets = {"south": {"software": bad}}
    return sim, load_run(folder / "load", ["south"], targets=targets, measurement="INVALID", reasons=[bad])


def test_hostile_runs_stay_text(runs: Runs, tmp_path: Path, browser: Browser):
    sim_run, load = _hostile(runs, tmp_path)
    sim, measured = Simulated(sim_run), Measured([load])
    values = build.values_of(sim, measured, shown(sim, None))
    chapter = Chapter("latency", "Latency", '<h2 id="latency-0">Latency</h2>', [])
    path = tmp_path / "page.html"
    path.write_text(build.render({**values, "chapters": [chapter]}))
    opened = open_page(browser, path)
    assert opened.requests == [path.as_uri()]
    assert opened.page.evaluate("document.querySelectorAll('img, script, b').length") == 0
    assert "onerror=alert(1)" in opened.page.inner_text("h1")
    assert "INVALID" in opened.page.inner_text("#front")
    opened.page.close()


def test_a_report_needs_both_worlds(tmp_path: Path, runs: Runs):
    run = Run(runs.simulated)
    with RunWriter(tmp_path / "pacs-only") as writer:
        for file in run.manifest["files"]:
            shutil.copy(runs.simulated / file, writer.path(file))
        folder = writer.close({**run.manifest, "worlds": ["pacs"]})
    with pytest.raises(RunProblem, match="lacks the film world"):
        build.build_report(folder, [], tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_a_damaged_run_is_refused_before_anything_is_run(tmp_path: Path, runs: Runs):
    folder = tmp_path / "damaged"
    shutil.copytree(runs.loads[0], folder)
    pd.DataFrame({"a": [1]}).to_parquet(folder / "ledger.parquet")
    with pytest.raises(RunProblem, match="not what the manifest says"):
        build.build_report(runs.simulated, [folder], tmp_path / "report.html")
