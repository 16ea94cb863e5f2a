"""Claims as files: each can be played or says why not; the scale of a play stands in its verdict line (rule L14)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from loadtest.archives.launch import running
from loadtest.play.launch import PlayJob
from loadtest.play.traffic import read_traffic
from loadtest.series.claims import CLUSTER, MARGIN, Claim, auto_scale, read_claim, scaled, write_claim
from loadtest.series.measure import Order, measure
from loadtest.verdict.finding import find
from sim.world.problems import ScenarioErrors
from tests.loadtest.verdict.played_factory import RESULT, played

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "scenarios" / "claims").glob("*.toml"))
CLONER = ROOT / "scenarios" / "claims" / "orthanc-cloner.toml"


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_a_claim_is_a_load_with_thresholds_or_a_reason(file: Path, tmp_path: Path) -> None:
    claim = read_claim(file)
    if claim.load is None:
        assert len(claim.unplayable) > 20
        return
    one = scaled(claim, auto_scale(claim.load, 60))
    assert write_claim(one, tmp_path / f"{CLUSTER}.traffic.parquet") >= 100
    read_traffic(tmp_path / f"{CLUSTER}.traffic.parquet")
    known = {figure.id for figure in claim.figures}
    assert {t.limit.source for t in claim.thresholds.values()} <= known | {"assumption"}


def test_a_threshold_rests_on_a_figure_of_its_claim(tmp_path: Path) -> None:
    file = tmp_path / "claim.toml"
    file.write_text(CLONER.read_text().replace('source = "claim_orthanc_clone_rate"', 'source = "claim_orthanc_clone"'))
    with pytest.raises(
        ScenarioErrors, match=r"no row 'claim_orthanc_clone' in .*did you mean 'claim_orthanc_clone_rate'"
    ):
        read_claim(file)


def test_every_figure_is_in_one_file_only() -> None:
    ids = [figure.id for file in FILES for figure in read_claim(file).figures]
    assert len(ids) == len(set(ids)) == 44


def test_rates_are_scaled_and_latencies_are_not() -> None:
    claim = read_claim(ROOT / "scenarios" / "claims" / "azure-bulk-set-up.toml")
    one = scaled(claim, 0.02)
    assert one.thresholds.thresholds["rate"].limit.value == pytest.approx(0.02 * 100_000)
    assert "0.02 of the claimed 100000 1/min" in one.thresholds.thresholds["rate"].limit.note
    assert one.thresholds.thresholds["response"].limit.value == 200
    assert one.words().startswith("played at 1/50 of the claimed rate on this machine, for ")
    assert scaled(claim, 1.0).words().startswith("played at the claimed rate on this machine")


@pytest.mark.parametrize(
    ("scale", "said"),
    [(1.0, "the claimed"), (0.02, "1/50 of the claimed"), (0.0004, "1/2500 of the claimed"), (2 / 3, "2/3 of the"),
     (0.9999, "0.9999 of the claimed"), (0.3333, "0.3333 of the claimed"), (2.0, "2 times the claimed")],
)  # fmt: skip
def test_l14_the_scale_is_said_as_it_is(scale: float, said: str) -> None:
    claim = read_claim(ROOT / "scenarios" / "claims" / "azure-bulk-set-up.toml")
    assert scaled(claim, scale).words().startswith(f"played at {said}")


def perfect(traffic: Path) -> pd.DataFrame:
    """The operations of a traffic file, all done, in about 20 ms each."""
    due = pd.read_parquet(traffic).query("phase == 'play'").reset_index(drop=True)
    took = np.random.default_rng(0).lognormal(np.log(0.02), 0.3, len(due))
    times = dict.fromkeys(("due_s", "start_s"), due["due_s"])
    times |= dict.fromkeys(("first_byte_s", "first_object_s", "end_s"), due["due_s"] + took)
    same = {name: due[name] for name in ("cluster", "supplier", "operation", "objects", "bytes")}
    return played(took, planned_objects=due["objects"], **times, **same)


@pytest.mark.parametrize("most", [60.0, 1e9], ids=["scaled", "as claimed"])
@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_a_claim_can_be_met_at_its_own_length(file: Path, most: float, tmp_path: Path) -> None:
    """By an archive that does everything at once and without an error."""
    claim = read_claim(file)
    if claim.load is None:
        return
    one = scaled(claim, auto_scale(claim.load, most))
    write_claim(one, tmp_path / "t.parquet")
    done = perfect(tmp_path / "t.parquet")
    nothing = pd.DataFrame({"cluster": [], "end_s": []})
    found = find(done, nothing, RESULT | {"outcomes": {"ok": len(done)}}, one.thresholds)
    assert found.verdict == "PASS", [(line.words, line.why) for line in found.lines]


def test_a_line_on_errors_is_played_as_long_as_it_takes() -> None:
    """1 % takes 368 operations without an error, 0.1 % takes 3,688; and half of them may be cut as warm-up."""
    for name, needed in (("sectra-100000-exams-a-day", 368), ("mckesson-soak", 3688)):
        claim = read_claim(ROOT / "scenarios" / "claims" / f"{name}.toml")
        assert claim.load is not None
        per_s = MARGIN * sum(flow.per_s for flow in claim.load.flows)
        assert scaled(claim, 1.0).seconds * per_s == pytest.approx(2.1 * needed, rel=0.001)


def test_the_load_is_what_was_claimed_and_five_per_cent_more(tmp_path: Path) -> None:
    one = scaled(read_claim(CLONER), 0.5, 20.0)
    write_claim(one, tmp_path / "c.parquet")
    data = pd.read_parquet(tmp_path / "c.parquet")
    assert data["objects"].sum() / one.seconds == pytest.approx(0.5 * 160_000 / 3600 * MARGIN, rel=0.02)
    assert data["bytes"].iloc[0] == 456 * 456 * 2 * 10
    assert data["ae_title"].nunique() == 20


def test_too_small_a_scale_is_told() -> None:
    with pytest.raises(ValueError, match="take a larger scale"):
        scaled(read_claim(CLONER), 1e-4)
    with pytest.raises(ValueError, match="cannot be played: No number"):
        scaled(read_claim(ROOT / "scenarios" / "claims" / "aws-millisecond-access.toml"), 1.0)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('unplayable = "', 'unplayble = "', "did you mean 'unplayable'?"),
        ("[[figures]]", "[[figure]]", "did you mean 'figures'?"),
        ("No number and no percentile is given.", "", "exclude each other"),
    ],
)
def test_a_mistake_in_a_claim_is_told(tmp_path: Path, old: str, new: str, told: str) -> None:
    file = tmp_path / "claim.toml"
    file.write_text((ROOT / "scenarios" / "claims" / "aws-millisecond-access.toml").read_text().replace(old, new))
    with pytest.raises(ScenarioErrors) as caught:
        read_claim(file)
    assert told in str(caught.value)


def test_l14_the_scale_stands_in_the_verdict_line(tmp_path: Path) -> None:
    """A claim of 40 small images a second, at half of it, against an archive whose law can do 200."""
    said = {
        "title": "40 a second", "product": "p", "figures": [
            {"id": "a", "quantity": "q", "value": 40.0, "unit": "1/s", "source": "s", "status": "verified"}],
        "load": {"seconds": 5.0, "rows": 32, "columns": 32, "prefill": 0, "assumed": "all of it",
                 "flows": [{"operation": "store", "per_s": 40.0}]},
        "thresholds": {"rate": {"statistic": "achieved-rate", "operation": "store", "limit": {
            "value": 40.0, "unit": "1/s", "source": "a", "status": "verified"}},
            "errors": {"statistic": "error-share", "operation": "store", "limit": {
                "value": 5.0, "unit": "%", "source": "a", "status": "verified"}}},
    }  # fmt: skip
    one = scaled(Claim.model_validate(said), 0.5)
    assert one.seconds == pytest.approx(2.1 * 100 / 21), "the rate needs more operations than the 72 without an error"
    write_claim(one, tmp_path / "t.parquet")
    with running("embedded", CLUSTER, mode="model", law="servers=2,overhead_ms=10,rate_mb_s=1e6") as target:
        order = Order([PlayJob(tmp_path / "t.parquet", target)], thresholds=one.thresholds, scale=one.words(),
                      headroom_s=0.5, settings={"ledger": "none"})  # fmt: skip
        finding, _ = measure(order, tmp_path / "out")
    assert finding.sentence().startswith("PASS (played at 1/2 of the claimed rate on this machine, for "), (
        finding.reasons
    )
    assert finding.lines[0].value == pytest.approx(20 * MARGIN, rel=0.03)
