"""Faults of an archive: each object ends in exactly one state, each fault is named, nothing is sent twice."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadtest.play.entries import Entry
from loadtest.play.final_read import share_by_name
from loadtest.verdict.judgement import losses_of
from loadtest.verdict.ledger import unbalanced
from loadtest.verdict.records import STATES, StudyRow
from tests.loadtest.play.bench import carry_out
from tests.loadtest.play.doctored import KEPT, doctored
from tests.loadtest.traffic_factory import row


def stores(*objects: int, **other: Any) -> list[dict[str, Any]]:
    return [row("store", 0.1 * n, n + 1, objects=some, **other) for n, some in enumerate(objects)]


@pytest.mark.parametrize(
    ("act", "outcome", "status", "detail", "finding", "named"),
    [
        ("ok", "ok", 0, "", "as answered", ""),
        ("warn", "ok", 0xB000, "", "as answered", ""),
        ("A700", "refused", 0xA700, "object 1: A700H Failure", "as answered", ""),
        ("A900", "refused", 0xA900, "object 1: A900H Failure", "as answered", ""),
        ("C001", "refused", 0xC001, "object 1: C001H Failure", "as answered", ""),
        ("0122", "refused", 0x0122, "object 1: 0122H Failure", "as answered", ""),
        ("odd", "refused", 0xDEAD, "object 1: DEADH", "as answered", ""),
        ("lose", "ok", 0, "", "lost 1", "lost: 1"),
        ("keep", "refused", 0xA700, "object 1: A700H", "kept though refused 1", "kept though refused: 1"),
        ("silent", "unknown", -1, "PeerTimeout", "as answered", ""),
        ("silent kept", "unknown", -1, "PeerTimeout", "recovered 1", "recovered: 1"),
        ("abort", "unknown", -1, "AssociationAborted: association aborted by service user", "as answered", ""),
        ("abort kept", "unknown", -1, "AssociationAborted", "recovered 1", "recovered: 1"),
        ("close", "unknown", -1, "ConnectionLost", "as answered", ""),
        ("wrong id", "unknown", -1, "ProtocolError: answer to message", "as answered", ""),
        ("foreign", "unknown", -1, "ProtocolError: the answer is about 1.2.3", "as answered", ""),
    ],
)
def test_one_bad_object_of_three(
    tmp_path: Path, act: str, outcome: str, status: int, detail: str, finding: str, named: str
) -> None:
    with doctored(lambda n: act if n == 1 else "ok") as archive:
        found = carry_out(tmp_path, stores(3, 2), archive.target)
    first, second = found.operations
    assert (first.outcome, first.status) == (outcome, status)
    assert detail in first.detail
    assert (found.ledger[0].finding, found.ledger[0].named) == (finding, named)
    # a fault changes no other operation's row (rule F5)
    assert (second.outcome, found.ledger[1].state, found.ledger[1].finding) == ("ok", "stored", "as answered")


@pytest.mark.parametrize(
    ("acts", "finding", "named"),
    [
        (["lose", "ok", "silent kept"], "lost 1; recovered 1", "lost: 0; recovered: 2"),
        (["lose", "ok", "keep"], "lost 1; kept though refused 1", "lost: 0; kept though refused: 2"),
    ],
)
def test_l9_a_lost_object_is_not_hidden_by_one_that_was_kept_unasked(
    tmp_path: Path, acts: list[str], finding: str, named: str
) -> None:
    with doctored(lambda n: acts[n]) as archive:
        found = carry_out(tmp_path, stores(3), archive.target)
    one = found.ledger[0]
    assert (one.found_cfind, one.stored) == (2, 2), "the counts are equal"
    assert (one.finding, one.named, one.lost) == (finding, named, 1)
    assert losses_of(found.ledger, []) == ["1 objects were acknowledged and are not found"]


def test_a_lost_object_is_not_hidden_by_a_phantom(tmp_path: Path) -> None:
    """Nothing was answered badly: only the sample that is asked for by name whatever was answered can tell."""
    with doctored(lambda n: "lose" if n == 1 else "ok") as archive:
        archive.extra = 1
        found = carry_out(tmp_path, stores(3), archive.target)
    one = found.ledger[0]
    assert (one.found_cfind, one.stored) == (3, 3), "the counts are equal"
    assert (one.finding, one.named) == ("lost 1; phantom 1", "lost: 1; phantom: 1 objects")
    assert losses_of(found.ledger, []) == ["1 objects were acknowledged and are not found"]
    assert unbalanced(found.ledger) == ["1 objects of the plan's studies are found that were never sent (phantom)"]


def test_after_a_kill_a_lost_object_is_not_hidden_by_what_is_there_instead(tmp_path: Path) -> None:
    """One of three is gone afterwards and a stranger came: three, as before."""
    with doctored() as archive:

        def kill() -> None:
            archive.held[archive.instances.pop(1).rpartition(".")[0]] -= 1
            archive.extra = 1

        found = carry_out(tmp_path, stores(3), archive.target, kill=kill)
    one = found.ledger[0]
    assert (one.found_cfind, one.found_again) == (3, 3), "the counts are equal"
    assert (one.finding, one.named) == ("lost 1; phantom 1", "lost: 1; phantom: 1 objects")
    assert losses_of(found.ledger, []) == ["1 objects were acknowledged and are not found"]


def test_the_sample_is_all_of_a_small_play_and_a_tenth_of_a_large_one(tmp_path: Path) -> None:
    studies = [Entry(None, [], StudyRow("south", "ge", "CT", n, "play", "CT", 10)) for n in range(1000)]  # type: ignore[arg-type]
    assert [share_by_name(studies[:n]) for n in (0, 1, 200, 400, 1000)] == [1.0, 1.0, 1.0, 0.5, 0.2]
    assert share_by_name(studies * 10) == 0.1


def test_what_follows_a_broken_association_is_failed_not_forgotten(tmp_path: Path) -> None:
    with doctored(lambda n: "silent" if n == 1 else "ok") as archive:
        one = carry_out(tmp_path, stores(5), archive.target).ledger[0]
    assert (one.planned, one.stored, one.unknown, one.failed) == (5, 1, 1, 3)
    assert (one.sent, one.answered, one.state) == (2, 1, "unknown")


def test_a_connection_cut_inside_an_object_is_failed(tmp_path: Path) -> None:
    big = stores(2, modality="CR", bytes=2 * 18_000_000)
    with doctored(lambda n: "cut") as archive:
        found = carry_out(tmp_path, big, archive.target, {"CR": [3000, 3000, 2]}, operation_s=5.0)
    assert found.operations[0].outcome == "failed"
    assert found.ledger[0].failed == 2
    assert found.ledger[0].sent == 0


def test_a_rejected_association_refuses_every_object(tmp_path: Path) -> None:
    with doctored() as archive:
        archive.rejecting = True
        found = carry_out(tmp_path, stores(3), archive.target)
        assert archive.stores == 0
    assert found.operations[0].outcome == "refused"
    assert "called AE title not recognised" in found.operations[0].detail
    assert (found.ledger[0].refused, found.ledger[0].sent, found.ledger[0].state) == (3, 0, "refused")
    assert found.troubles == [
        "south: the final read by C-FIND failed: association rejected permanently by service user: "
        "called AE title not recognised (1 times)"
    ]


def test_an_object_that_nobody_sent_is_a_phantom(tmp_path: Path) -> None:
    with doctored() as archive:
        archive.extra = 2
        found = carry_out(tmp_path, stores(3), archive.target)
    assert (found.ledger[0].finding, found.ledger[0].named) == ("phantom 2", "phantom: 2 objects")


def test_l8_nothing_is_ever_sent_again(tmp_path: Path) -> None:
    """An archive that fails the first try of everything: attempts are as many as objects (rule L8)."""
    with doctored(lambda n: "A700") as archive:
        found = carry_out(tmp_path, stores(3, 2, 1), archive.target)
        assert archive.stores == 6
    assert [one.status for one in found.objects] == [0xA700] * 6


def test_an_association_that_died_while_idle_is_opened_anew_and_counted(tmp_path: Path) -> None:
    """The answer comes twice: before the next study the kept association has said what nobody asked for."""
    with doctored(lambda n: "twice" if n == 0 else "ok") as archive:
        found = carry_out(tmp_path, stores(1, 1), archive.target, pause_s=0.2, association="kept")
        assert archive.stores == 2
    assert [one.outcome for one in found.operations] == ["ok", "ok"]
    assert found.associations["closed_by_peer_while_idle"] == 1


@pytest.mark.parametrize(("policy", "opened"), [("kept", 1), ("study", 2), ("series", 2), ("image", 5)])
def test_associations_by_policy(tmp_path: Path, policy: str, opened: int) -> None:
    with doctored() as archive:
        found = carry_out(tmp_path, stores(3, 2), archive.target, association=policy)
    assert found.associations["opened"] == opened
    assert [one.outcome for one in found.operations] == ["ok", "ok"]
    first, second = found.operations
    assert first.connect_s > 0
    assert (second.connect_s == 0) == (policy == "kept")


@pytest.mark.parametrize("seed", range(50))
def test_fifty_fault_plans(tmp_path: Path, seed: int) -> None:
    """Rule F1: five states that sum to the plan, agreeing with what the archive did; rule F6: the same again."""
    acts = ["ok"] * 6 + [
        "warn",
        "A700",
        "0122",
        "lose",
        "keep",
        "silent",
        "silent kept",
        "abort",
        "abort kept",
        "close",
    ]
    script = [acts[int(x)] for x in np.random.default_rng(seed).integers(0, len(acts), 200)]
    rows, runs = stores(3, 1, 4, 2), []
    for again in "ab":
        folder = tmp_path / again
        folder.mkdir()
        with doctored(lambda n: script[n]) as archive:
            found = carry_out(folder, rows, archive.target, response_s=0.05)
            done, held = script[: archive.stores], archive.held
        runs.append(found.ledger)
        assert [sum(getattr(one, state) for state in STATES) for one in found.ledger] == [3, 1, 4, 2]
        assert sum(one.stored for one in found.ledger) == sum(act in ("ok", "warn", "lose") for act in done)
        assert sum(one.refused for one in found.ledger) == sum(act in ("A700", "0122", "keep") for act in done)
        assert held.total() == sum(act in KEPT for act in done)
        assert sum(one.found_cfind or 0 for one in found.ledger) == held.total()
    assert all(one == other for one, other in zip(*runs, strict=True))


def test_times_of_a_study_are_in_order(tmp_path: Path) -> None:
    with doctored() as archive:
        found = carry_out(tmp_path, stores(4), archive.target)
    one = found.operations[0]
    assert one.start_s <= one.first_byte_s <= one.first_object_s <= one.end_s
    for sent in found.objects:
        assert sent.start_s <= sent.sent_s <= sent.first_byte_s <= sent.end_s
    assert all(before.end_s <= after.start_s for before, after in pairwise(found.objects))
    assert one.bytes == sum(sent.bytes for sent in found.objects)
