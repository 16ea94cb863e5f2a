"""The breaking point: found where it is known, with evidence on both sides, and never told of a tired generator."""

import json
from dataclasses import replace
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from filmless.limit_commands import how_long
from loadtest.archives.launch import running
from loadtest.archives.target import Target
from loadtest.play.launch import PlayJob
from loadtest.play.problems import TrafficProblem
from loadtest.play.salvage import salvage
from loadtest.play.sent import sent_of
from loadtest.series.headroom import Headroom
from loadtest.series.limit import Search, Step, find_limit, longest_s, step_of
from loadtest.series.limit_play import LimitPlay, search_limit
from loadtest.series.rated import FIRST_NEW, Rated
from loadtest.verdict.finding import find
from loadtest.verdict.thresholds import Threshold, Thresholds
from loadtest.wire import DicomWeb
from sim.runs.store import Run
from tests.loadtest.traffic_factory import row, write
from tests.loadtest.verdict.played_factory import RESULT, played

pytestmark = pytest.mark.alone


def step(per_s: float, seconds: float, verdict: str, why: str = "why") -> Step:
    return Step(per_s, seconds, verdict, why, per_s, 100, 0.1, 0.2, 0.3, 0, 0, 0.001)


class Archive:
    """Holds its thresholds up to a rate; tells nothing above another."""

    def __init__(self, knee: float, tired: float = 1e9, unsure: tuple[float, float] = (0, 0)) -> None:
        self.knee, self.tired, self.unsure = knee, tired, unsure
        self.asked: list[tuple[float, float]] = []

    def __call__(self, per_s: float, seconds: float) -> Step:
        self.asked.append((per_s, seconds))
        if self.unsure[0] <= per_s <= self.unsure[1]:
            return step(per_s, seconds, "INVALID", "undecided: the interval holds the limit")
        if per_s >= self.tired:
            return step(per_s, seconds, "INVALID", "lag p99 of the generator is 0.2 s, over 0.1")
        return step(per_s, seconds, "PASS" if per_s <= self.knee else "FAIL")


@pytest.mark.parametrize("knee", [0.7, 5.0, 37.0, 900.0])
@pytest.mark.parametrize("start", [2.0, 50.0])
def test_a_known_knee_is_enclosed_within_ten_per_cent(knee: float, start: float) -> None:
    found = find_limit(Archive(knee), Search(start))
    assert found.verdict == "PASS"
    assert found.below is not None
    assert found.above is not None
    assert found.below.per_s <= knee < found.above.per_s <= 1.1001 * found.below.per_s


def test_a_tired_generator_is_not_the_archives_knee() -> None:
    found = find_limit(Archive(1e9, tired=100), Search(10))
    assert found.verdict == "INVALID"
    assert "tells nothing: lag p99 of the generator" in found.sentence
    assert found.below is not None
    assert found.below.per_s >= 90


class Losing(Archive):
    """Loses an object at its first step above a rate."""

    def __init__(self, above: float) -> None:
        super().__init__(1e9)
        self.above = above

    def __call__(self, per_s: float, seconds: float) -> Step:
        found = super().__call__(per_s, seconds)
        told = "1 objects were acknowledged and are not found"
        return replace(found, verdict="FAIL", why=told, broken=told) if per_s > self.above else found


@pytest.mark.parametrize(("above", "plays"), [(0.0, 1), (50.0, 4)])
def test_a_loss_is_no_knee(above: float, plays: int) -> None:
    archive = Losing(above)
    found = find_limit(archive, Search(10.0))
    assert (found.verdict, found.above, len(archive.asked)) == ("FAIL", None, plays)
    assert "1 objects were acknowledged and are not found" in found.sentence
    assert "the knee lies" not in found.sentence
    assert (found.below is None) == (above == 0.0)


def test_a_loss_while_the_knee_is_enclosed_ends_the_search() -> None:
    def play(per_s: float, seconds: float) -> Step:
        told = "10 of 100 operations did not end well: 10 refused" if 40 < per_s < 80 else ""
        return replace(step(per_s, seconds, "FAIL" if per_s > 40 else "PASS"), broken=told)

    found = find_limit(play, Search(20.0))
    assert (found.verdict, found.above) == ("FAIL", None)
    assert found.sentence.endswith("operations did not end well: 10 refused; all thresholds are met up to 40")


@pytest.mark.parametrize(
    ("limit_s", "lines", "losses", "broken"),
    [
        (5.0, "p95", [], "20 of 400 operations did not end well: 20 refused"),
        (0.001, "p95", [], ""),  # the line is missed as well: that is the knee
        (0.001, "p95", ["1 objects were acknowledged and are not found"], "1 objects were acknowledged and"),
        (0.01, "error-share", [], ""),
        (0.01, "error-share", ["1 objects were acknowledged and are not found"], "1 objects were acknowledged and"),
    ],
)
def test_a_step_says_what_made_it_fail(limit_s: float, lines: str, losses: list[str], broken: str) -> None:
    unit = "s" if lines == "p95" else "share"
    said = {"statistic": lines, "operation": "store",
            "limit": {"value": limit_s, "unit": unit, "source": "test", "status": "verified"}}  # fmt: skip
    data = played(np.full(400, 0.1), outcome=np.where(np.arange(400) % 20 == 3, "refused", "ok"))
    result = RESULT | {"outcomes": {"ok": 380, "refused": 20}, "losses": losses, "lag_p99_s": 0.0,
                       "objects": {"stored": 380}}  # fmt: skip
    held = Thresholds(title="t", thresholds={"a": Threshold.model_validate(said)})
    found = step_of(10.0, 40.0, find(data, pd.DataFrame(), result, held), data, result, 0)
    assert found.verdict == "FAIL"
    assert found.broken.startswith(broken)
    assert bool(found.broken) == bool(broken)


def test_an_undecided_step_is_played_again_twice_as_long() -> None:
    archive = Archive(100, unsure=(60, 80))
    find_limit(archive, Search(70, seconds=5))
    assert archive.asked[:2] == [(70, 5), (70, 10)]


def test_the_highest_rate_that_was_asked_for_is_no_knee() -> None:
    found = find_limit(Archive(1e9), Search(10, to_per_s=40))
    assert (found.verdict, found.above) == ("INVALID", None)
    assert "up to 40 operations/s" in found.sentence


@pytest.mark.parametrize("operations", [1.0, 200.0, 1e4])
@pytest.mark.parametrize("start", [2.0, 50.0])
def test_no_search_plays_longer_than_it_may(operations: float, start: float) -> None:
    """Whatever the knee, and with every step but the last ones undecided at first."""
    search = Search(start, seconds=2.0)
    above, below = longest_s(lambda rate: max(2.0, operations / rate), search)
    for knee in (0.0, 0.013, 0.7, 5.0, 37.0, 900.0, 1e9):
        archive = Archive(knee)

        def unsure_at_first(rate: float, seconds: float, archive: Archive = archive) -> Step:
            again = (rate, seconds / 2) in archive.asked
            found = archive(rate, seconds)
            return found if again else replace(found, verdict="INVALID", why="undecided: the interval holds the limit")

        find_limit(unsure_at_first, search)
        played = sum(max(s, operations / rate * s / 2.0) for rate, s in archive.asked)
        assert played <= (above if knee >= start else below) + 1e-9
    assert above <= below or operations == 1.0


def thresholds(limit_ms: float) -> Thresholds:
    limit = {"value": limit_ms, "unit": "ms", "source": "test", "status": "verified"}
    said = {"statistic": "p50", "operation": "store", "limit": limit}
    return Thresholds(title="t", thresholds={"store": Threshold.model_validate(said)})


def test_the_knee_of_a_known_service_law_is_found(tmp_path: Path) -> None:
    """Two servers of 20 ms serve 100 objects a second: at evenly spaced arrivals the queue grows above that alone."""
    rows = [row("store", 0.1 * n, n, objects=1, ae_title=f"CT{n % 5:04d}R1") for n in range(50)]
    file = write(tmp_path / "t.parquet", rows)
    with running("embedded", "south", mode="model", law="servers=2,overhead_ms=20,rate_mb_s=1e6") as target:
        step = LimitPlay(Rated(file), target, 0, thresholds(60), {"ledger": "none"})
        found = search_limit(step, Search(70.0, seconds=3.0, grow=1.4, within=0.12), tmp_path / "out")
    assert found.verdict == "PASS", found.sentence
    assert found.below is not None
    assert found.above is not None
    assert found.below.per_s == pytest.approx(100, rel=0.12)
    assert found.above.per_s > 100
    assert found.above.p50_s > 0.06 > found.below.p50_s > 0.02
    run = Run(tmp_path / "out")
    steps = run.table("steps")
    assert run.manifest["kind"] == "limit"
    undecided = "INVALID" in set(steps["verdict"])  # the search ends at such a step, wider than was asked for
    assert found.above.per_s / found.below.per_s <= (1.4 if undecided else 1.12) + 1e-9
    assert list(steps["held"]) == sorted(steps["held"]), "the archive fills from step to step"
    assert steps["held"].iloc[-1] == run.table("operations").query("step < @steps.index[-1]")["objects"].sum()


def test_an_archive_can_be_searched_twice(tmp_path: Path) -> None:
    """Each search has a lot of objects of its own; with the lot of another it is refused."""
    rows = [row("prefill", 0, 1), *(row("store", 0.1 * n, 10 + n, objects=1) for n in range(20))]
    file, search = write(tmp_path / "t.parquet", rows), Search(20.0, seconds=2.0, to_per_s=20.0)
    with running("embedded", "south") as target:
        steps = [LimitPlay(Rated(file), target, 0, thresholds(2000)) for _ in "ab"]
        for name, step in zip("ab", steps, strict=True):
            found = search_limit(step, search, tmp_path / name)
            assert not any("acknowledged" in one.why for one in found.steps), found.steps
            assert Run(tmp_path / name).manifest["settings"]["lot"] == step.lot > 0
        with pytest.raises(TrafficProblem, match="was played into it before"):
            search_limit(LimitPlay(Rated(file), target, 0, thresholds(2000), lot=steps[0].lot), search, tmp_path / "c")
        held = target.count_instances()
        with DicomWeb(target.base_url) as web:
            studies = {one["0020000D"]["Value"][0] for one in web.qido("studies", {})[0]}
    told = [sent_of(tmp_path / name) for name in "ab"]
    assert {uid for found in told for one in found for uid in one.studies} == studies, "all can be found and removed"
    assert [[one.archive for one in found] for found in told] == [["south"], ["south"]]
    stored = [Run(tmp_path / name).table("operations").query("operation == 'store'")["objects"].sum() for name in "ab"]
    assert held == sum(stored)


class Known(LimitPlay):
    """Steps of an archive that is known, without a play."""

    def __call__(self, per_s: float, seconds: float) -> Step:
        self.played.append(pd.DataFrame({"step": [len(self.played)]}))
        self.steps.append(Archive(37.0)(per_s, seconds))
        return self.steps[-1]


@pytest.mark.parametrize("doubts", [[], ["headroom at the knee: lag_p99_s is 0.2, over 0.1"]])
def test_l4_headroom_is_proved_at_the_knee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, doubts: list[str]) -> None:
    """Who cannot drive that rate into a null sink has not shown that it was the archive that broke."""
    asked: list[float] = []

    def prove(when: str, jobs: list[PlayJob], speed: float, seconds: float, settings: Any, *more: Any) -> Headroom:
        due = pd.read_parquet(jobs[0].traffic)["due_s"]
        asked.append(len(due) / seconds)
        assert settings["modality_associations"] == 64
        return Headroom(when, seconds, seconds, {"dropped": 0}, doubts)

    monkeypatch.setattr("loadtest.series.limit_play.prove", prove)
    file = write(tmp_path / "t.parquet", [row("store", 0.1 * n, n, objects=1) for n in range(50)])
    step = Known(Rated(file), Target(name="x", port=104, ae_title="X"), 0, thresholds(60))
    found = search_limit(step, Search(5.0), tmp_path / "out", headroom_s=4.0)
    assert found.above is not None
    assert asked == [pytest.approx(found.above.per_s, rel=0.05)]
    assert found.verdict == ("INVALID" if doubts else "PASS")
    assert ("not shown to be the archive's: headroom at the knee: lag" in found.sentence) == bool(doubts)
    (told,) = Run(tmp_path / "out").manifest["headroom"]
    assert (told["doubts"], told["when"].startswith("at the ")) == (doubts, True)


def test_a_search_that_is_ended_keeps_its_steps_and_what_the_last_one_sent(tmp_path: Path) -> None:
    """Ctrl-C in the second step: the first is whole, and of the second one's studies the archive holds some."""
    rows = [row("store", 0.1 * n, 10 + n, objects=1) for n in range(20)]
    file, out = write(tmp_path / "t.parquet", rows), tmp_path / "out"

    def interrupt(done: int, total: int, phase: str) -> None:
        if phase.startswith("step 2, ") and phase.endswith(", play") and done > 3:
            raise KeyboardInterrupt

    with running("embedded", "south") as target:
        step = LimitPlay(Rated(file), target, 0, thresholds(2000), progress=interrupt)
        with pytest.raises(KeyboardInterrupt) as ended:
            search_limit(step, Search(20.0, seconds=3.0), out)
    notes = "; ".join(ended.value.__notes__)
    assert f"the 1 step that came to its end is in {out}, INVALID" in notes
    assert f"what was sent is in {out}-step-2.partial: make a run folder of it with `filmless salvage" in notes
    run = Run(out)
    assert (run.manifest["verdict"], len(run.table("steps"))) == ("INVALID", 1)
    assert run.manifest["sentence"] == "the search was ended before it had found a knee"
    folder, result = salvage(tmp_path / "out-step-2.partial")
    assert (folder, result["verdict"]) == (tmp_path / "out-step-2", "INVALID")
    assert result["objects"]["stored"] > 3
    assert sorted(one.name for one in tmp_path.iterdir()) == ["out", "out-step-2", "t.parquet"]


def test_what_a_search_has_left_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "out-step-2.partial").mkdir()
    file = write(tmp_path / "t.parquet", [row("store", 0.1 * n, n, objects=1) for n in range(50)])
    step = Known(Rated(file), Target(name="x", port=104, ae_title="X"), 0, thresholds(60))
    with pytest.raises(TrafficProblem, match=r"out-step-2\.partial is left of a play that did not come to its end"):
        search_limit(step, Search(5.0), tmp_path / "out")
    assert step.steps == []


def test_l4_a_knee_without_proof_of_headroom_is_invalid(tmp_path: Path) -> None:
    file = write(tmp_path / "t.parquet", [row("store", 0.1 * n, n, objects=1) for n in range(50)])
    step = Known(Rated(file), Target(name="x", port=104, ae_title="X"), 0, thresholds(60))
    found = search_limit(step, Search(5.0), tmp_path / "out", headroom_s=0.0)
    assert found.verdict == "INVALID"
    assert "the generator's headroom was not shown (rule L4): play with --headroom" in found.sentence
    assert Run(tmp_path / "out").manifest["verdict"] == "INVALID"


def test_each_step_says_its_rate_and_why_it_is_longer_than_asked(tmp_path: Path) -> None:
    rows = [row("store", 0.1 * n, n, objects=1, ae_title=f"CT{n % 5:04d}R1") for n in range(50)]
    begun, phases = list[tuple[int, float, float]](), set[str]()
    with running("embedded", "south", mode="null") as target:
        step = LimitPlay(
            Rated(write(tmp_path / "t.parquet", rows)), target, 0, thresholds(60), {"ledger": "none"},
            progress=lambda done, total, phase: phases.add(phase), begins=lambda *told: begun.append(told),
        )  # fmt: skip
        step(40.0, 0.5)
    assert step.slowest() == ("store", pytest.approx(42.0))
    assert begun == [(1, 40.0, pytest.approx(42 / 40))]
    assert all(phase.startswith("step 1, 40 operations/s, ") for phase in phases)
    said = how_long(step, Search(4.0, seconds=2.0))
    assert said.startswith(
        "steps of 10.5 s at 4 operations/s, not 2 s: threshold 'store' takes 42 operations of this mix"
    )
    assert "the search plays 3.5 min at most where the thresholds hold at this rate, 5.6 h where" in said


def test_traffic_at_a_rate_repeats_the_mix_with_new_studies(tmp_path: Path) -> None:
    rows = [
        row("prefill", 0, 1),
        row("store", 0.0, 10),
        row("find", 1.0, 1),
        row("get", 2.0, 10),
        row("store", 3.0, 11),
    ]
    rated = Rated(write(tmp_path / "t.parquet", rows))
    assert rated.left_out == 1, "the get asks for what the file itself stores"
    assert rated.write(tmp_path / "a.parquet", 10.0, 1.0) == 10
    rated.write(tmp_path / "b.parquet", 10.0, 1.0)
    a, b = (pd.read_parquet(tmp_path / name) for name in ("a.parquet", "b.parquet"))
    played = a[a["phase"] == "play"]
    assert list(played["operation"][:4]) == ["store", "find", "store", "store"]
    assert list(played["due_s"]) == pytest.approx([0.1 * n for n in range(10)])
    stored = pd.concat([a, b]).query("phase == 'play' and operation == 'store'")["exam"]
    assert stored.is_unique
    assert stored.min() == FIRST_NEW
    assert set(played.query("operation == 'find'")["exam"]) == {1}


def test_a_rate_stands_for_exams_a_year_of_the_scenario(tmp_path: Path) -> None:
    """36 operations in 0.01 h are one a second; ten of the same mix a second are ten times the cluster."""
    rows = [row("store", float(n), 10 + n) for n in range(36)]
    rated = Rated(write(tmp_path / "t.parquet", rows, exams_a_year=2e6, simulated={"store": {"n": 1}}))
    assert rated.stands_for(10.0) == pytest.approx(20e6)
    assert isnan(Rated(write(tmp_path / "old.parquet", rows)).stands_for(10.0))
    rated.write(tmp_path / "a.parquet", 10.0, 1.0)
    about = json.loads(pq.read_schema(tmp_path / "a.parquet").metadata[b"filmless"])
    assert about["exams_a_year"] == 2e6
    assert "simulated" not in about, "it was of the window's own load"


def test_the_sentence_tells_exams_a_year_where_they_are_known() -> None:
    archive = Archive(37.0)
    found = find_limit(lambda rate, s: replace(archive(rate, s), exams_a_year=123_456 * rate), Search(5.0))
    assert "operations/s (what 4,530,000 and 4,940,000 exams a year load in the traffic's window)" in found.sentence, (
        found.sentence
    )
    assert "exams a year" not in find_limit(Archive(37.0), Search(5.0)).sentence


def test_poisson_arrivals_are_the_same_each_time(tmp_path: Path) -> None:
    file = write(tmp_path / "t.parquet", [row("store", 0.0, 10)])
    one, other = Rated(file, "poisson").due(50.0, 2.0), Rated(file, "poisson").due(50.0, 2.0)
    assert list(one) == list(other)
    assert 60 < len(one) < 140
