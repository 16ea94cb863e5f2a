"""TCP's stall is told from a slow archive by the pause within the answer, beside real archives too."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from loadtest.archives.launch import running
from loadtest.archives.target import Target
from loadtest.play.launch import PlayJob, free_port
from loadtest.series.measure import Order, measure
from loadtest.verdict.delayed_ack import find_pauses, in_words, without_pauses
from loadtest.verdict.finding import Finding, find
from tests.loadtest.traffic_factory import row, write
from tests.loadtest.verdict.played_factory import RESULT, played


def stored(pause_s: object, size: object = 500_000, works_s: float = 0.005, **other: object) -> pd.DataFrame:
    """Objects stored one after another, one an operation, each answered after `works_s` and a pause."""
    pauses = np.asarray(pause_s, dtype=np.float64)
    begun = 0.1 * np.arange(len(pauses))
    return pd.DataFrame({
        "cluster": "south", "op": np.arange(len(pauses)), "kind": "store", "outcome": "ok", "bytes": size,
        "start_s": begun, "sent_s": begun + 0.001, "first_byte_s": begun + works_s, "end_s": begun + works_s + pauses,
    }).assign(**other)  # fmt: skip


def operations(objects: pd.DataFrame) -> pd.DataFrame:
    return played(objects["end_s"] - objects["start_s"]).assign(op=objects["op"])


@pytest.mark.parametrize("pause_s", [0.0400, 0.0435, 0.0445, 0.048, 0.2, 0.210])
def test_an_answer_in_two_pieces_is_told(pause_s: float) -> None:
    objects = stored(np.full(100, pause_s), np.tile([4_000, 500_000], 50))
    (one,) = find_pauses(objects)
    assert (one.at_s, one.hit, one.n, one.shown, one.sizes) == (pytest.approx(pause_s), 100, 100, 2, 2)
    found = find(operations(objects), objects, RESULT)
    (told,) = [remark for remark in found.remarks if "TCP" in remark]
    assert f"100 of 100 stored objects were answered in two pieces about {1000 * one.at_s:.0f} ms apart" in told
    assert "the same at 2 of 2 sizes" in told
    assert "looks like TCP's delayed acknowledgement" in told
    assert f"{0.005 + pause_s:.3g} s with it and 0.005 s without" in told
    assert told.endswith("play with `--tcp tuned`, or set TCP_NODELAY=1 at the archive")
    (row,) = found.figures
    assert (row["p50_s"], row["p50_without_pauses_s"]) == (pytest.approx(0.005 + pause_s), pytest.approx(0.005))


@pytest.mark.parametrize("works_s", [0.040, 0.0445, 0.200])
def test_an_archive_that_works_as_long_is_not_accused(works_s: float) -> None:
    assert find_pauses(stored(np.full(100, 0.0002), np.tile([4_000, 500_000], 50), works_s)) == []


def test_a_minority_and_one_class_among_others_are_seen() -> None:
    some = stored(np.where(np.arange(300) % 10 == 0, 0.044, 0.0001))
    (one,) = find_pauses(some)
    assert (one.hit, one.n) == (30, 300)
    others = stored(np.full(500, 0.0001), cluster="london")
    views = stored(np.full(500, 0.044), cluster="leeds", kind="rendered")
    assert [one.cluster for one in find_pauses(pd.concat([some, others, views], ignore_index=True))] == ["south"]


def test_pauses_of_every_length_are_no_spike() -> None:
    assert find_pauses(stored(np.linspace(0.01, 0.3, 300))) == []
    assert find_pauses(stored(np.full(19, 0.044))) == [], "too few"
    assert find_pauses(stored(np.full(100, 0.044), outcome="failed")) == []


def test_where_sizes_do_not_differ_it_says_so() -> None:
    objects = stored(np.full(100, 0.044))
    data, pauses = operations(objects), find_pauses(objects)
    words = in_words(pauses[0], data, without_pauses(data, objects, pauses))
    assert "sizes do not differ, so that only the two pieces tell it from a slow archive" in words


@contextmanager
def storescp() -> Iterator[Target]:
    """DCMTK's as shipped, which keeps nothing."""
    port = free_port()
    one = subprocess.Popen(["/usr/bin/storescp", "--ignore", str(port)])
    try:
        time.sleep(1.0)
        yield Target(name="dcmtk", port=port, ae_title="STORESCP")
    finally:
        one.terminate()
        one.wait()


def finding(folder: Path, target: Target) -> Finding:
    """Ten studies of eight, of two sizes, by turns, over two associations."""
    kinds = ("CT", "US")
    rows = [row("store", 0.2 * n, n, objects=8, modality=kinds[n % 2], ae_title=f"{kinds[n % 2]}0001R1")
            for n in range(10)]  # fmt: skip
    file = write(folder / "t.parquet", rows, matrices={"CT": [512, 512, 2], "CR": [96, 80, 2], "US": [48, 64, 1]})
    found, _ = measure(Order([PlayJob(file, target)], settings={"ledger": "none", "tcp": "modality"}), folder / "out")
    assert found.verdict == "PASS", found.reasons
    return found


@pytest.mark.alone
def test_dcmtk_as_shipped_stalls_a_modality_and_says_so(tmp_path: Path) -> None:
    with storescp() as target:
        (told,) = [remark for remark in finding(tmp_path, target).remarks if "TCP's delayed" in remark]
    assert "the same at 2 of 2 sizes" in told


@pytest.mark.alone
def test_an_archive_of_forty_milliseconds_is_innocent(tmp_path: Path) -> None:
    with running("embedded", "south", mode="model", law="servers=64,overhead_ms=40,rate_mb_s=1e6") as target:
        assert not [remark for remark in finding(tmp_path, target).remarks if "TCP's delayed" in remark]
