"""C-STOREs under way together in a play: every object one outcome, and what was proposed and granted in the result."""

import socket
from collections import Counter
from pathlib import Path
from time import monotonic

import numpy as np
import pytest

from loadtest.archives.launch import running
from loadtest.archives.process import ArchiveProcess, free_port
from loadtest.archives.target import Target
from loadtest.play.config import PlayConfig
from loadtest.play.launch import PlayJob, play
from loadtest.verdict.disclosure import missing
from loadtest.verdict.records import STATES, StudyRow
from sim.runs.store import Run
from tests.loadtest.play.bench import carry_out
from tests.loadtest.play.doctored import KEPT, doctored
from tests.loadtest.play.test_play_faults import stores
from tests.loadtest.traffic_factory import row, write

GRANTED = "asynchronous window: 4 proposed, 4 granted"


@pytest.mark.parametrize(("act", "states"), [("ok", {"stored": 8}), ("A700", {"stored": 7, "refused": 1})])
def test_one_refused_object_with_others_under_way(tmp_path: Path, act: str, states: dict[str, int]) -> None:
    with doctored(lambda n: act if n == 2 else "ok") as archive:
        found = carry_out(tmp_path, stores(8, 2), archive.target, async_window=4)
    assert +states_of(found.ledger[0]) == states
    assert found.ledger[1].state == "stored"


@pytest.mark.parametrize("act", ["close", "abort", "silent", "foreign"])
def test_one_object_breaks_the_association_with_others_under_way(tmp_path: Path, act: str) -> None:
    """How many had left when it broke is the machine's to say; none is in two states."""
    with doctored(lambda n: act if n >= 2 else "ok") as archive:
        found = carry_out(tmp_path, stores(8), archive.target, async_window=4)
    told = states_of(found.ledger[0])
    assert told["stored"] == 2
    assert 1 <= told["unknown"] <= 4
    assert told["unknown"] + told["failed"] == 6
    assert found.operations[0].outcome == "unknown"
    assert len({(one.op, one.number) for one in found.objects}) == len(found.objects)


def states_of(one: StudyRow) -> Counter[str]:
    return Counter({state: getattr(one, state) for state in STATES})


@pytest.mark.parametrize("seed", range(20))
def test_twenty_fault_plans(tmp_path: Path, seed: int) -> None:
    """Rule F1 with a window: five states that sum to the plan, and nothing sent twice."""
    acts = ["ok"] * 8 + ["A700", "lose", "keep", "silent", "silent kept", "abort", "close", "foreign"]
    script = [acts[int(x)] for x in np.random.default_rng(seed).integers(0, len(acts), 200)]
    with doctored(lambda n: script[n]) as archive:
        found = carry_out(tmp_path, stores(7, 3, 12), archive.target, async_window=4, response_s=0.1)
        assert len(set(archive.instances)) == len(archive.instances)
        kept = sum(archive.held.values())
    assert [sum(getattr(one, state) for state in STATES) for one in found.ledger] == [7, 3, 12]
    assert len({(one.op, one.number) for one in found.objects}) == len(found.objects)
    assert all(one.found_cfind is not None and one.found_cfind <= one.sent for one in found.ledger)
    assert kept == sum(script[n] in KEPT for n in range(archive.stores))


def test_the_result_says_what_was_proposed_and_granted(tmp_path: Path) -> None:
    rows = [row("store", 0.02 * n, n + 1, objects=10, ae_title=f"CT000{n % 3}R1") for n in range(12)]
    file = write(tmp_path / "t.parquet", rows)
    with running("embedded", "sink", mode="null") as sink:
        result = play([PlayJob(file, sink)], 1.0, tmp_path / "out", ledger="none", async_window=4)
    told = result["negotiated"]["south"]
    assert result["outcomes"]["ok"] == 12
    assert result["objects"]["stored"] == 120
    assert [words for words in told if GRANTED in words and "1048576 bytes by the archive" in words]
    assert sum(told.values()) == result["archives"][0]["associations"]["opened"]
    manifest = Run(tmp_path / "out").manifest
    assert manifest["settings"]["async_window"] == 4
    assert missing(manifest) == []
    assert "PDU length" in missing({**manifest, "negotiated": {}})[0]


def test_workers_tell_it_as_well(tmp_path: Path) -> None:
    rows = [row("store", 0.02 * n, n + 1, objects=4, ae_title=f"CT000{n}R1") for n in range(4)]
    with running("embedded", "sink", mode="null") as sink:
        job = PlayJob(write(tmp_path / "t.parquet", rows), sink)
        result = play([job], 1.0, tmp_path / "out", ledger="none", async_window=4, workers=2)
    assert sum(n for words, n in result["negotiated"]["south"].items() if GRANTED in words) == 4


def test_storescp_takes_one_after_another_and_the_result_says_so(tmp_path: Path) -> None:
    port = free_port()
    file = write(tmp_path / "t.parquet", [row("store", 0.0, 1, objects=5)])
    with ArchiveProcess(["/usr/bin/storescp", "--ignore", str(port)], {}) as process:
        process.wait_until(lambda: _listens(port), 10.0, "storescp")
        target = Target(name="dcmtk", port=port, ae_title="STORESCP")
        result = play([PlayJob(file, target)], 1.0, tmp_path / "out", ledger="none", async_window=4)
    assert result["outcomes"]["ok"] == 1
    assert [words for words in result["negotiated"]["south"] if "asynchronous window: 4 proposed, 1 granted" in words]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_play_that_ends_with_several_under_way_leaves_each_in_one_state(tmp_path: Path) -> None:
    """Nothing is answered from the thirtieth object on; the drain ends greenlets that send and those that read."""
    rows = [row("store", 0.01 * n, n + 1, objects=20, ae_title=f"CT000{n}R1") for n in range(5)]
    with doctored(lambda n: "ok" if n < 30 else "silent") as archive:
        job = PlayJob(write(tmp_path / "t.parquet", rows), archive.target)
        began = monotonic()
        result = play([job], 1.0, tmp_path / "out", ledger="none", async_window=4, drain_s=1.0)
        assert monotonic() - began < 20
    run = Run(tmp_path / "out")
    ledger, objects = run.table("ledger"), run.table("objects")
    assert (ledger[list(STATES)].sum(axis=1) == 20).all()
    assert ledger["stored"].sum() == 30
    assert ledger["unknown"].sum() >= 5
    assert not objects.duplicated(["cluster", "op", "number"]).any()
    assert result["outcomes"]["unknown"] + result["outcomes"]["ok"] == 5


def test_a_window_goes_with_no_association_an_image() -> None:
    with pytest.raises(ValueError, match="one image fills no window"):
        PlayConfig.model_validate(
            {"jobs": [{"traffic": "t", "target": {"name": "x", "port": 1, "ae_title": "X"}}], "out": "o",
             "association": "image", "async_window": 2}
        )  # fmt: skip
