"""Service levels around a fault: the backlog by hand, phases that share the hours out, the fault's own difference."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.answers.bad_day import PHASES, Question, answer, catch_up, cut, period_of, phases, questions
from sim.answers.levels import Sample
from sim.runs.period import Period
from sim.runs.spec import PlanProblem
from sim.world.service_levels import ServiceLevels
from sim.world.world import World
from tests.sim.tiny import quantity, scenario, tiny_world

PERIOD = Period(date(2006, 3, 6), date(2006, 3, 13), date(2006, 3, 17), date(2006, 3, 19))
LEVELS = ServiceLevels.model_validate({"title": "t", "description": "d", "levels": {
    "kept": {"measure": "in_cluster_store", "statistic": "mean", "over": "exams", "limit": quantity(10, "min")},
    "room": {"measure": "room_wait", "statistic": "mean", "over": "exams", "limit": quantity(8, "h")},
    "use": {"measure": "archive_utilisation", "statistic": "mean", "over": "hour", "limit": quantity(0.9, "share")},
}})  # fmt: skip


def bad(folder: Path, **more: Any) -> World:
    """The archive is lost from 14 March, 9:30, for ten hours."""
    recovery = {"hours": [0.0, 10.0], "capacity": [0.0, 1.0], "source": "x", "status": "assumed"}
    fault = {"what": "out", "station": "archive", "cluster": "west", "start": datetime(2006, 3, 14, 9, 30),
             "recovery": recovery, **more}  # fmt: skip
    return tiny_world(folder, data={**scenario(), "faults": {"out": fault}})


def ask(world: World) -> list[Question]:
    return questions(world, LEVELS, PERIOD, ["west"], 7, "pacs")


@pytest.mark.parametrize(
    ("kept", "until", "found"),
    [
        # made at 0, 1, 10, 11, 12, 13; one waits at most before 5
        ([0.5, 1.5, 20, 21, 22, 23], 100, (1, 4, 22)),  # four wait at 13; one is left from 22 on
        ([0.5, 1.5, 20, 21, 22, 23], 21.5, (1, 4, np.nan)),  # the run ends while two wait
        ([0.5, 1.5, 10.5, 11.5, 12.5, 13.5], 100, (1, 1, 5)),  # never more than before
        ([0.5, 1.5, 12.5, 13.5, 14, 15], 100, (1, 3, 14)),  # two peaks: from the first of them on
    ],
)
def test_the_backlog_by_hand(kept: list[float], until: float, found: tuple[float, float, float]) -> None:
    made = np.array([0, 1, 10, 11, 12, 13], float)
    assert catch_up(made, np.array(kept, float), 5, until) == pytest.approx(found, nan_ok=True)


def test_phases_share_the_hours_out(tmp_path: Path) -> None:
    (q,) = ask(bad(tmp_path))
    assert (q.begin_s, q.back_s) == (33.5 * 3600, 43.5 * 3600)
    assert phases(q, 45.2 * 3600) == [(0, 33), (33, 44), (44, 46), (46, 96)]
    assert phases(q, 40.0 * 3600) == [(0, 33), (33, 44), (44, 44), (44, 96)]
    assert phases(q, np.nan) == [(0, 33), (33, 44), (44, 96), (96, 96)]


def test_a_cut_keeps_the_exams_of_its_hours() -> None:
    s = Sample({"room_wait": np.arange(6.0)}, np.arange(6), *(np.array(["a"] * 6) for _ in range(3)),
               use=np.arange(6.0).reshape(1, 1, 6), archives=["a"])  # fmt: skip
    part = cut(s, 2, 4)
    assert part.measures["room_wait"].tolist() == [2.0, 3.0]
    assert part.hour.tolist() == [0, 1]
    assert part.use.reshape(-1).tolist() == [2.0, 3.0]


def test_what_the_fault_does_and_does_not(tmp_path: Path) -> None:
    """Mean time to be kept: about half of the outage for those asked for in it; rooms notice nothing."""
    found = answer(bad(tmp_path), ask(bad(tmp_path / "again")), 4, lambda done, total, text: None)
    rows = {(r["phase"], r["level"]): r for r in found["levels"].to_dict("records")}
    assert set(rows) == {(phase, level) for phase in PHASES for level in LEVELS.levels}
    during, before, after = rows["during", "kept"], rows["before", "kept"], rows["afterwards", "kept"]
    assert (during["n"], during["method"], during["met"]) == (4, "Student t over 4 replications", 0)
    assert 120 < during["low"] < during["value"] < during["high"] < 480  # minutes
    assert during["more_low"] > 100
    assert before["met"] == after["met"] == 4
    assert after["more"] == pytest.approx(0, abs=1e-6)
    assert all(rows[phase, "room"]["more"] == 0 for phase in ("before", "during", "afterwards"))
    backlog = {r["figure"]: r for r in found["backlog"].to_dict("records")}
    assert backlog["largest backlog"]["value"] > 5 * backlog["most before the fault"]["value"]
    whole = backlog["time from the fault until caught up"]
    assert (whole["caught_up"], whole["replications"], whole["n"]) == (4, 4, 4)
    assert whole["value"] == pytest.approx(10 + backlog["of it, after all capacity was back"]["value"])
    assert 10 < whole["low"] <= whole["value"] < 14


def test_one_replication_has_no_interval(tmp_path: Path) -> None:
    found = answer(bad(tmp_path), ask(bad(tmp_path / "again")), 1, lambda done, total, text: None)
    for table in found.values():
        known = table[table["n"] > 0]
        assert (known["method"] == "no interval: one replication").all()
        assert known["low"].isna().all()


def test_a_fault_of_some_sites_is_judged_by_them(tmp_path: Path) -> None:
    """The unit's own link is down: only its exams are counted, so that hospitals do not hide it."""
    (q,) = ask(bad(tmp_path, station="link", sites=["M"]))
    assert q.sites == ["M"]
    found = answer(bad(tmp_path, station="link", sites=["M"]), [q], 3, lambda done, total, text: None)
    peak = found["backlog"].set_index("figure").loc["largest backlog", "value"]
    (all_,) = ask(bad(tmp_path, station="link"))
    whole = answer(bad(tmp_path, station="link"), [all_], 3, lambda done, total, text: None)
    assert 0 < peak < 0.2 * whole["backlog"].set_index("figure").loc["largest backlog", "value"]


def test_a_run_without_a_fault_is_told(tmp_path: Path) -> None:
    world = bad(tmp_path)
    with pytest.raises(PlanProblem, match=r"no fault of the scenario begins in west .* such as scenarios/bad-day"):
        questions(world, LEVELS, Period(PERIOD.first, date(2006, 3, 15), PERIOD.end, PERIOD.last), ["west"], 7, "pacs")
    m = {"start": "2006-03-13", "end": "2006-03-16", "warm_up_days": 7, "cool_down_days": 2}
    assert period_of(m) == PERIOD
