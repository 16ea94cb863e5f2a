"""The plan is pure: order, speed and assignment are functions of the files; bad files are told whole."""

import json
from math import isnan, nan
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.play.plan import make_plan, request_name
from loadtest.play.problems import TrafficProblem
from loadtest.play.traffic import OPERATIONS, About, Operation, Traffic, check_head, read_traffic
from tests.loadtest.traffic_factory import MATRICES, SCHEMA, mixed, row, write


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    traffic = read_traffic(write(tmp_path / "t.parquet", mixed()))
    assert traffic.about.cluster == "south"
    assert traffic.about.matrices == {k: tuple(v) for k, v in MATRICES.items()}
    assert [one.operation for one in traffic.operations[:5]] == ["store"] * 5
    assert all(isnan(one.due_s) == (one.phase == "prefill") for one in traffic.operations)


def test_a_missing_due_time_is_as_good_as_nan(tmp_path: Path) -> None:
    rows = [{**row("prefill", nan, 1), "due_s": None}, row("find", 0.0, 1)]
    assert isnan(read_traffic(write(tmp_path / "t.parquet", rows)).operations[0].due_s)


@pytest.mark.parametrize(("speed", "last"), [(1.0, 0.4), (10.0, 0.04), (0.5, 0.8)])
def test_speed_divides_due_times(tmp_path: Path, speed: float, last: float) -> None:
    plan = make_plan([read_traffic(write(tmp_path / "t.parquet", mixed()))], speed)
    assert plan.last_due_s == pytest.approx(last)
    assert len(plan.prefill) == 2


@pytest.mark.parametrize("speed", [0.0, -1.0, float("inf"), nan])
def test_a_speed_that_is_none(tmp_path: Path, speed: float) -> None:
    with pytest.raises(ValueError, match="allowed is a number above 0"):
        make_plan([read_traffic(write(tmp_path / "t.parquet", mixed()))], speed)


def test_devices_keep_their_operations_in_order(tmp_path: Path) -> None:
    plan = make_plan([read_traffic(write(tmp_path / "t.parquet", mixed()))])
    devices = plan.by_device()
    assert set(devices) == {(0, ae) for ae in ("CT0001R1", "CR0001R1", "US0001R1", "READ0001", "WARD0001")}
    assert [one.operation for one in devices[0, "READ0001"]] == ["find", "get", "find", "move"]


def test_two_clusters_in_one_plan(tmp_path: Path) -> None:
    files = [write(tmp_path / f"{c}.parquet", mixed(c, e * 10**10)) for c, e in (("south", 1), ("london", 2))]
    plan = make_plan([read_traffic(file, job) for job, file in enumerate(files)])
    assert {one.job for one in plan.play} == {0, 1}
    assert plan.names == sorted(f"{c} {o}" for c in ("london", "south") for o in OPERATIONS)
    assert len(plan.names) <= 40


def test_one_cluster_twice_is_refused(tmp_path: Path) -> None:
    files = [write(tmp_path / f"{n}.parquet", mixed()) for n in "ab"]
    with pytest.raises(TrafficProblem, match=r"b\.parquet: cluster 'south' is played already, from .*a\.parquet"):
        make_plan([read_traffic(file, job) for job, file in enumerate(files)])


def test_an_empty_window_is_told(tmp_path: Path) -> None:
    file = write(tmp_path / "t.parquet", [row("prefill", nan, 1)])
    with pytest.raises(TrafficProblem, match="nothing is to be played: take another window"):
        make_plan([read_traffic(file)])


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=30), st.floats(0.01, 1e3))
def test_no_operation_is_lost_or_reordered(dues: list[float], speed: float) -> None:
    about = About(seed=1, scenario="s", start="2007", hours=1.0, cluster="c", matrices={})
    some = mixed()[0]
    operations = [Operation(**{**some, "op": i, "due_s": due, "phase": "play"}) for i, due in enumerate(dues)]
    plan = make_plan([Traffic(Path("x"), about, operations)], speed)
    assert sorted(one.op for one in plan.play) == list(range(len(dues)))
    assert [one.due_s for one in plan.play] == sorted(due / speed for due in dues)
    assert {request_name(one) for one in plan.play} == set(plan.names)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"operation": "delete"}, "row 0: operation 'delete': allowed are store, find, qido, get, move, wado"),
        ({"due_s": -1.0}, "due_s -1.0: a played row is due at 0 or later"),
        ({"due_s": nan}, "due_s nan: a played row is due at 0 or later"),
        ({"due_s": float("inf")}, "due_s inf"),
        ({"phase": "later"}, "phase 'later': allowed are prefill, play"),
        ({"phase": "prefill", "due_s": 3.0}, "due_s 3.0: a prefill row has none"),
        ({"phase": "prefill", "due_s": nan, "operation": "find"}, "a prefill row is a store"),
        ({"objects": 0}, "objects 0: 1 to 9999"),
        ({"objects": 10_000}, "objects 10000: 1 to 9999"),
        ({"cluster": "north"}, "cluster 'north': the file is of 'south'"),
        ({"modality": "PT"}, "modality 'PT': the metadata have no matrix for it"),
        ({"ae_title": "SEVENTEEN_LETTERS"}, "AE title 'SEVENTEEN_LETTERS': allowed are 1 to 16"),
        ({"ae_title": "A\\B"}, "AE title"),
        ({"exam": 10**12}, "exam 1000000000000: 0 to 999999999999"),
        ({"op": 1}, "op: 1 numbers occur twice"),
        ({"exam": 2}, "1 exams stored twice"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    rows = [{**row("store", 0.0, 1), **change}, {**row("store", 1.0, 2), "op": 1}]
    with pytest.raises(TrafficProblem) as found:
        read_traffic(write(tmp_path / "t.parquet", rows, cluster="south"))
    assert told in str(found.value)
    assert str(found.value).startswith(str(tmp_path / "t.parquet"))


def test_all_problems_at_once_but_not_without_end(tmp_path: Path) -> None:
    rows = [row("store", -1.0, n, objects=0) for n in range(20)]
    with pytest.raises(TrafficProblem) as found:
        read_traffic(write(tmp_path / "t.parquet", rows))
    lines = str(found.value).splitlines()
    assert len(lines) == 11
    assert lines[-1] == "... and 30 more"


def test_not_a_traffic_file(tmp_path: Path) -> None:
    text, plain = tmp_path / "a.parquet", tmp_path / "b.parquet"
    text.write_text("hello")
    pq.write_table(pa.table({"x": [1]}), plain)
    for file, told in ((tmp_path / "none.parquet", "cannot be read"), (text, "cannot be read"), (plain, "metadata")):
        with pytest.raises(TrafficProblem, match=told) as found:
            read_traffic(file)
        assert "filmless traffic" in str(found.value)


def test_metadata_must_say_what_the_objects_are(tmp_path: Path) -> None:
    file = write(tmp_path / "t.parquet", mixed())
    table = pq.read_table(file)
    for said, told in (({"cluster": "south"}, "matrices: Field required"), ("{", "Invalid JSON")):
        raw = said if isinstance(said, str) else json.dumps(said)
        pq.write_table(table.replace_schema_metadata({"filmless": raw}), file)
        with pytest.raises(TrafficProblem, match=told):
            read_traffic(file)


def test_a_files_head_is_enough_to_refuse_what_is_no_traffic(tmp_path: Path) -> None:
    assert check_head(write(tmp_path / "t.parquet", mixed())).cluster == "south"
    (tmp_path / "smoke.toml").write_text("title = 'smoke'")
    with pytest.raises(
        TrafficProblem, match=r"smoke\.toml: cannot be read as Parquet .*: name a file made by `filmless"
    ):
        check_head(tmp_path / "smoke.toml")
    with pytest.raises(TrafficProblem, match="holds no operation: make it with `filmless traffic`, of a busier window"):
        check_head(write(tmp_path / "none.parquet", []))


def test_columns_must_be_there_and_of_their_kind(tmp_path: Path) -> None:
    file = write(tmp_path / "t.parquet", mixed())
    table = pq.read_table(file)
    pq.write_table(table.drop_columns(["patient", "exam"]), file)
    with pytest.raises(TrafficProblem, match="columns are missing: exam, patient"):
        read_traffic(file)
    texts = SCHEMA.set(SCHEMA.get_field_index("exam"), pa.field("exam", pa.string()))
    rows = [{**row("store", 0.0, 1), "exam": "1"}]
    with pytest.raises(TrafficProblem, match="exam is string"):
        read_traffic(write(file, rows, schema=texts))
    with pytest.raises(TrafficProblem, match="site has empty values"):
        read_traffic(write(file, [row("store", 0.0, 1, site=None)]))


@pytest.mark.parametrize("cluster", ["", "a/b", "x" * 33, "<script>", "=cmd()"])
def test_a_cluster_name_reaches_pages_and_files(tmp_path: Path, cluster: str) -> None:
    with pytest.raises(TrafficProblem, match="cluster"):
        read_traffic(write(tmp_path / "t.parquet", [row("store", 0.0, 1, cluster=cluster)]))
