"""The scenario's faults on real sockets: what fails, fails while a fault is open, and every object is accounted for."""

from dataclasses import replace
from math import inf
from pathlib import Path
from threading import Thread
from time import perf_counter
from typing import Any

import pytest

from loadtest.archives.launch import running
from loadtest.play.faults import absolute, steps_of, together
from loadtest.play.launch import LISTENER, PlayJob, free_port, play
from loadtest.play.problems import TrafficProblem
from loadtest.play.traffic import WindowFault
from loadtest.verdict.faulted import bad_outside, has_met, told, with_counts
from loadtest.verdict.finding import find
from loadtest.verdict.records import STATES, OperationRow
from loadtest.wire.errors import ConnectFailed
from loadtest.wire.pace import Link, Pace, passed
from sim.runs.store import Run
from tests.loadtest.play.doctored import doctored
from tests.loadtest.traffic_factory import row, write


def fault(station: str, since_s: list[float], capacity: list[float], **other: Any) -> dict[str, Any]:
    found = {"name": "bad", "what": "something is out", "station": station, "cluster": "south", "sites": [],
             "since_s": since_s, "capacity": capacity}  # fmt: skip
    return {**found, **other}


def stores(n: int, spacing_s: float, **other: Any) -> list[dict[str, Any]]:
    """Studies of one object, from ten devices in turn."""
    return [row("store", spacing_s * k, k, objects=1, ae_title=f"CT{k % 10:04d}R1", **other) for k in range(n)]


def played(folder: Path, rows: list[dict[str, Any]], faults: list[dict[str, Any]], speed: float = 1.0, law: str = "",
           **settings: Any) -> tuple[dict[str, Any], Run]:  # fmt: skip
    file = write(folder / "t.parquet", rows, faults=faults)
    with running("embedded", "south", {LISTENER: ("127.0.0.1", free_port())}, law=law) as target:
        result = play([PlayJob(file, target)], speed, folder / "out", faults=True, priority="usual", connect_s=0.5,
                      **settings)  # fmt: skip
    return result, Run(folder / "out")


def balanced(run: Run) -> bool:
    ledger = run.table("ledger")
    return bool((ledger[list(STATES)].sum(axis=1) == ledger["planned"]).all())


def test_a_centre_that_is_lost_fails_what_meets_it_and_nothing_else(tmp_path: Path) -> None:
    """Four times as fast: lost from 4 to 8 s of the scenario are 1 to 2 s of the play."""
    rows = [row("prefill", float("nan"), 1000, objects=2), *stores(120, 0.1)]
    rows += [row(kind, 0.4 * n, 1000, objects=2, ae_title=f"{kind.upper()}0001") for n in range(30)
             for kind in ("find", "qido", "wado")]  # fmt: skip
    result, run = played(tmp_path, rows, [fault("archive", [4.0, 8.0], [0.0, 1.0])], 4.0)
    operations = run.table("operations")
    operations = operations[operations["phase"] == "play"]
    bad, (one,) = operations[operations["outcome"] != "ok"], result["faults"]
    (lost, begun, cut), (back, _, opened) = one["changes"]
    assert (lost, back) == (0.0, 1.0)
    assert (begun, opened) == (pytest.approx(1.0, abs=0.1), pytest.approx(2.0, abs=0.3))
    assert (bad["end_s"] > begun).all()
    assert (bad["due_s"] < opened).all()
    inside = operations[(operations["due_s"] > cut) & (operations["due_s"] < 2.0)]
    assert len(inside) > 20
    assert (inside["outcome"] == "failed").all()
    after = operations[operations["due_s"] > opened]
    assert len(after) > 40
    assert (after["outcome"] == "ok").all()
    assert set(bad["operation"]) == {"store", "find", "qido", "wado"}
    assert balanced(run)
    assert result["objects"]["lost"] == 0
    assert one["bad"] == len(bad)
    assert (result["bad_outside_faults"], one["outcome"]) == (0, "played")
    assert (one["begin"], one["end"]) == ("2007-03-06T10:00:04", "2007-03-06T10:00:08")


@pytest.mark.alone
def test_a_study_on_its_way_when_the_centre_is_lost_ends_in_one_state(tmp_path: Path) -> None:
    """One device sends a study of 40 objects at 20 ms each: lost after half a second, back when the play has ended."""
    rows = [row("store", 0.0, 1, objects=40), row("store", 0.6, 2, objects=1, ae_title="CT0002R1")]
    law = "servers=1,overhead_ms=20,rate_mb_s=1000"
    result, run = played(tmp_path, rows, [fault("archive", [0.5, 3600.0], [0.0, 1.0])], law=law)
    (first, second), counts = run.table("ledger").to_dict("records"), result["objects"]
    assert 10 < first["stored"] < 30
    assert first["unknown"] <= 1
    assert first["stored"] + first["unknown"] + first["failed"] == 40
    assert (second["failed"], second["found_cfind"]) == (1, 0)
    assert first["found_cfind"] - first["stored"] in (0, first["unknown"])  # the last may have been kept unheard
    assert counts["lost"] == 0
    assert result["faults"][0]["to_s"] < 30
    assert result["verdict"] == "FAIL"


@pytest.mark.alone
def test_a_slow_archive_is_as_many_times_slower_as_its_capacity_is_less(tmp_path: Path) -> None:
    """100 ms an object; between 1 and 4 s a third of the archive works: 300 ms, within a tenth."""
    law = "servers=64,overhead_ms=100,rate_mb_s=1000"
    result, run = played(tmp_path, stores(100, 0.05), [fault("archive", [1.0, 4.0], [1 / 3, 1.0])], law=law)
    objects = run.table("objects")
    took = objects["end_s"] - objects["start_s"]
    inside = (objects["start_s"] > 1.0) & (objects["end_s"] < 4.0)
    outside = (objects["end_s"] < 1.0) | (objects["start_s"] > 4.0)
    assert result["done"] == result["planned"], result["reasons"]
    assert took[inside].median() / took[outside].median() == pytest.approx(3.0, rel=0.1)
    assert inside.sum() > 40
    assert balanced(run)


def test_a_link_that_is_down_holds_up_its_own_site_alone(tmp_path: Path) -> None:
    """Site 2 is cut off for 1 s: its bytes wait, new connections fail after half of it, Site 1 hears nothing."""
    rows = stores(60, 0.05) + stores(60, 0.05, site="Site 2")
    for n, one in enumerate(rows[60:]):
        one.update(exam=100 + n, ae_title=f"CR{n % 10:04d}R1")
    result, run = played(tmp_path, rows, [fault("link", [1.0, 2.0], [0.0, 1.0], sites=["Site 2"])])
    operations = run.table("operations").set_index("op")
    bad = operations[operations["outcome"] != "ok"]
    assert set(bad["site"]) == {"Site 2"}
    assert (bad["outcome"] == "failed").all()
    assert bad["detail"].str.contains("the site's link is down").all()
    assert ((bad["due_s"] > 0.9) & (bad["end_s"] < 2.1)).all()
    waited = operations[(operations["site"] == "Site 2") & (operations["due_s"] > 1.6) & (operations["due_s"] < 1.9)]
    assert (waited["end_s"] >= 2.0).all()
    assert balanced(run)
    assert result["bad_outside_faults"] == 0


def test_workers_meet_the_fault_at_the_same_time(tmp_path: Path) -> None:
    """The archive is lost and a link is down, in two workers: both by the master's zero."""
    rows = stores(80, 0.05) + stores(40, 0.1, site="Site 2")
    for n, one in enumerate(rows[80:]):
        one.update(exam=100 + n, ae_title=f"CR{n % 10:04d}R1")
    faults = [
        fault("archive", [1.0, 1.6], [0.0, 1.0]),
        fault("link", [2.5, 3.3], [0.0, 1.0], sites=["Site 2"], name="l"),
    ]
    result, run = played(tmp_path, rows, faults, workers=2)
    operations = run.table("operations")
    bad = operations[operations["outcome"] != "ok"]
    lost, down = bad[bad["end_s"] < 2.0], bad[bad["end_s"] >= 2.0]
    assert len(lost) >= 15
    assert set(lost["site"]) == {"Site 1", "Site 2"}
    assert set(down["site"]) == {"Site 2"}
    assert down["due_s"].between(2.4, 3.3).all()
    assert (result["bad_outside_faults"], balanced(run)) == (0, True)


def test_a_fault_of_another_cluster_or_of_a_site_store_touches_nothing(tmp_path: Path) -> None:
    faults = [fault("archive", [0.0, 9.0], [0.0, 1.0], cluster="london", name="there"),
              fault("store", [0.0, 9.0], [0.0, 1.0], name="store")]  # fmt: skip
    result, run = played(tmp_path, stores(20, 0.05), faults)
    assert result["done"] == result["planned"]
    assert {one["name"]: one["outcome"] for one in result["faults"]} == {
        "there": "not played: no traffic of that cluster",
        "store": "not played: a play has no site stores, its modalities send to the archive themselves",
    }
    finding = find(run.table("operations"), run.table("objects"), result)
    assert "there" in finding.remarks[0]
    assert finding.faults == []


@pytest.mark.alone
def test_the_verdict_names_the_fault(tmp_path: Path) -> None:
    result, run = played(tmp_path, stores(40, 0.05), [fault("archive", [0.5, 1.0], [0.0, 1.0])])
    finding = find(run.table("operations"), run.table("objects"), result)
    assert finding.sentence() == "FAIL (with the fault bad)"
    assert "fault 'bad' (something is out), archive of south: down to 0 % from 0.50 to 1.00 s" in finding.remarks[0]


def test_what_cannot_be_played_is_told(tmp_path: Path) -> None:
    file = write(tmp_path / "t.parquet", stores(2, 0.1), faults=[fault("archive", [0.0, 1.0], [0.0, 1.0])])
    with doctored() as archive, pytest.raises(TrafficProblem, match=r"--faults: only the embedded archive .* doctored"):
        play([PlayJob(file, archive.target)], 1.0, tmp_path / "out", faults=True)
    assert archive.stores == 0
    with pytest.raises(TrafficProblem, match=r"the scenario has none in the window .* --start YYYY-MM-DDTHH:MM"):
        played(tmp_path, stores(2, 0.1), [])
    with pytest.raises(TrafficProblem, match=r"bad leaves a part of a link's rate: play with --shape"):
        played(tmp_path, stores(2, 0.1), [fault("link", [0.0, 1.0], [0.5, 1.0])])
    with pytest.raises(TrafficProblem, match=r"an archive that is killed forgets them"):
        played(tmp_path, stores(2, 0.1), [fault("archive", [0.0, 1.0], [0.0, 1.0])], kill_at=0.5)


def test_steps_begin_with_the_play_and_overlapping_faults_multiply() -> None:
    one = WindowFault.model_validate(fault("archive", [-7200.0, -60.0, 120.0], [0.0, 0.62, 1.0]))
    assert steps_of(one, 2.0) == [(0.0, 0.62), (60.0, 1.0)]
    assert together([[(0.0, 0.5), (10.0, 1.0)], [(4.0, 0.0), (6.0, 1.0)]]) == [
        (0.0, 0.5), (4.0, 0.0), (6.0, 0.5), (10.0, 1.0),
    ]  # fmt: skip
    assert absolute([(1.0, 0.0)], inf) == []


def test_a_link_with_an_outage_by_hand() -> None:
    """4 s of work begun at 0; nothing passes from 1 to 3, half from 3 to 5: 1 s is done by 1, 1 more by 5, all by 7."""
    steps = [(1.0, 0.0), (3.0, 0.5), (5.0, 1.0)]
    assert passed(0.0, 4.0, steps) == 7.0
    assert passed(0.0, 1.0, steps) == 1.0
    assert passed(2.0, 0.0, steps) == 3.0
    assert passed(6.0, 1.0, steps) == 7.0
    assert passed(0.0, 1.5, steps) == 4.0


def test_what_waits_for_a_link_waits_no_longer_than_its_limit() -> None:
    pace, now = Pace(inf), perf_counter()
    pace.outages = [(now - 1, 0.0), (now + 3600, 1.0)]
    assert pace.take(1000, now + 0.1) == pytest.approx(0.1, abs=0.05)
    link = Link(1e6)
    link.fail(pace.outages)
    with pytest.raises(ConnectFailed, match="link is down"):
        link.reach(0.05)
    link.fail(())
    thread = Thread(target=link.reach, args=(5.0,), daemon=True)
    thread.start()
    thread.join(1.0)
    assert not thread.is_alive()


def test_an_operation_meets_a_fault_of_its_own_site_while_it_is_open() -> None:
    base = OperationRow(1, "south", "ge", "Site 1", "CT", "store", "store", "CT", 1, "play", 5.0, end_s=6.0,
                        outcome="failed")  # fmt: skip
    one = {**fault("link", [], [], sites=["Site 1"]), "outcome": "played", "from_s": 5.5, "to_s": 9.0, "changes": [],
           "steps": [(5.5, 0.0), (9.0, 1.0)], "begin": "a", "end": "b"}  # fmt: skip
    assert has_met(one, base)
    assert not has_met(one, replace(base, end_s=5.2))
    assert not has_met(one, replace(base, due_s=9.1, end_s=9.2))
    assert not has_met(one, replace(base, site="Site 2"))
    assert has_met({**one, "changes": [(1.0, 9.0, 9.15)]}, replace(base, due_s=9.1, end_s=9.2))
    rows = [base, replace(base, outcome="ok"), replace(base, cluster="london")]
    counted = with_counts([one], rows)
    assert (counted[0]["met"], counted[0]["bad"], bad_outside(counted, rows)) == (2, 1, 1)
    assert told(counted, 1)[-1] == "1 operations ended badly without having met a fault"
