"""The ledger's arithmetic: five states that sum to the plan, and the archive's word against its answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.verdict.judgement import FAIL, PASS, Held, compare_held, verdict_of
from loadtest.verdict.ledger import (
    AGREES,
    NOT_ASKED,
    compare_names,
    exceptions,
    happened,
    judge,
    lost,
    settle,
    totals,
    unbalanced,
)
from loadtest.verdict.records import NO_STATUS, OUTCOMES, STATES, ObjectRow, StudyRow

SENT = ("ok", "refused", "failed", "unknown")


def entry(planned: int = 4) -> StudyRow:
    return StudyRow("south", "ge", "CT0001R1", 1, "play", "CT", planned)


def sent(outcomes: list[str]) -> list[ObjectRow]:
    status = {"ok": 0, "refused": 0xA700}
    return [
        ObjectRow("south", 1, 1, n, 0.0, 0.0, 0.0, 0.0, 100, status.get(one, NO_STATUS), one)
        for n, one in enumerate(outcomes)
    ]


@given(
    st.lists(st.sampled_from(SENT), max_size=8), st.integers(0, 5), st.sampled_from(("failed", "refused", "dropped"))
)
def test_the_five_states_sum_to_the_plan(outcomes: list[str], more: int, rest: str) -> None:
    one = entry(len(outcomes) + more + 1)
    settle(one, sent(outcomes), rest)
    assert sum(getattr(one, state) for state in STATES) == one.planned
    assert one.state in STATES
    assert one.answered <= one.sent <= one.planned


@pytest.mark.parametrize(
    ("outcomes", "rest", "state", "numbers"),
    [
        # stored, refused, failed, unknown, dropped, sent, answered
        (["ok"] * 4, "failed", "stored", (4, 0, 0, 0, 0, 4, 4)),
        (["ok", "refused", "ok", "ok"], "failed", "refused", (3, 1, 0, 0, 0, 4, 4)),
        (["ok", "unknown"], "failed", "unknown", (1, 0, 2, 1, 0, 2, 1)),
        (["ok", "failed"], "failed", "failed", (1, 0, 3, 0, 0, 1, 1)),
        ([], "dropped", "dropped", (0, 0, 0, 0, 4, 0, 0)),
        ([], "refused", "refused", (0, 4, 0, 0, 0, 0, 0)),
        ([], "failed", "failed", (0, 0, 4, 0, 0, 0, 0)),
    ],
)
def test_states(outcomes: list[str], rest: str, state: str, numbers: tuple[int, ...]) -> None:
    one = entry()
    settle(one, sent(outcomes), rest)
    assert one.state == state
    assert (one.stored, one.refused, one.failed, one.unknown, one.dropped, one.sent, one.answered) == numbers


@pytest.mark.parametrize(
    ("outcomes", "found", "finding"),
    [
        (["ok"] * 4, 4, AGREES),
        (["ok"] * 4, 3, "lost 1"),
        (["ok"] * 4, 0, "lost 4"),
        (["ok"] * 3 + ["unknown"], 4, "recovered 1"),
        (["ok"] * 3 + ["unknown"], 3, AGREES),
        (["ok"] * 3 + ["refused"], 4, "kept though refused 1"),
        (["ok"] * 4, 5, "phantom 1"),
        (["ok", "failed"], 2, "phantom 1"),
        (["ok"] * 4, None, NOT_ASKED),
    ],
)
def test_findings(outcomes: list[str], found: int | None, finding: str) -> None:
    one = entry()
    settle(one, sent(outcomes), "failed")
    one.found_cfind = one.found_qido = found
    judge(one)
    assert one.finding == finding


def test_two_services_that_disagree_are_both_told() -> None:
    one = entry()
    settle(one, sent(["ok"] * 4), "failed")
    one.found_cfind, one.found_qido = 4, 2
    judge(one)
    assert one.finding == "lost 2"
    assert lost(one) == 2


@pytest.mark.parametrize(
    ("acknowledged", "answered", "sent", "found", "named"),
    [
        ([0, 1, 2], [0, 1, 2], [0, 1, 2], [0, 1, 2], ""),
        ([0, 1, 2], [0, 1, 2], [0, 1, 2], [0], "lost: 1-2"),
        ([0], [0], [0, 1], [0, 1], "recovered: 1"),
        ([0], [0, 1], [0, 1], [0, 1], "kept though refused: 1"),
        ([0, 1], [0, 1], [0, 1], [0, 1, 1], "duplicate: 1"),
        ([0], [0], [0], [0, None, None], "phantom: 2 objects"),
        ([0], [0], [0], [0, 1, None], "phantom: 1 and 1 objects"),
        (
            [0, 1],
            [0, 1, 2],
            [0, 1, 2, 3],
            [1, 2, 3, None],
            "lost: 0; recovered: 3; kept though refused: 2; phantom: 1 objects",
        ),
        ([*range(25), 30], range(31), range(31), [], "lost: 0-24, 30"),
    ],
)
def test_objects_are_named(
    acknowledged: list[int], answered: list[int], sent: list[int], found: list[int | None], named: str
) -> None:
    assert compare_names(acknowledged, answered, sent, found).words() == named


def test_of_two_readings_what_either_found_counts() -> None:
    before, after = (compare_names([0, 1], [0, 1], [0, 1, 2], found) for found in ([0, 2, None], [1]))
    assert (before | after).words() == "lost: 0-1; recovered: 2; phantom: 1 objects"
    assert (before | after).counts() == {"lost": 2, "recovered": 1, "phantom": 1}


def test_names_tell_what_equal_counts_hide() -> None:
    one = entry(3)
    settle(one, sent(["ok", "ok", "unknown"]), "failed")
    one.found_cfind = one.found_qido = one.found_named = 2
    judge(one)
    assert one.finding == AGREES
    judge(one, compare_names([0, 1], [0, 1], [0, 1, 2], [1, 2]))
    assert (one.finding, one.named) == ("lost 1; recovered 1", "lost: 0; recovered: 2")
    assert (lost(one), one.lost, one.recovered, one.phantom) == (1, 1, 1, 0)


def test_a_count_that_is_not_that_of_the_names_is_told_too() -> None:
    one = entry()
    settle(one, sent(["ok"] * 4), "failed")
    one.found_cfind, one.found_qido, one.found_named = 4, 2, 4
    judge(one, compare_names(range(4), range(4), range(4), [0, 1, 2, 3]))
    assert (one.finding, lost(one)) == ("lost 2", 2)


def whole(outcomes: list[str], found: int | None) -> StudyRow:
    one = entry(len(outcomes))
    settle(one, sent(outcomes), "failed")
    one.found_cfind = found
    judge(one)
    return one


def test_totals_and_exceptions() -> None:
    rows = [whole(["ok"] * 2, 2), whole(["ok"] * 3, 1), whole(["refused"], 0)]
    assert totals(rows) == {
        "studies": 3, "planned": 6, "sent": 6, "answered": 6, "stored": 5, "refused": 1, "failed": 0, "unknown": 0,
        "dropped": 0, "lost": 2, "recovered": 0, "kept": 0, "phantom": 0, "duplicate": 0,
    }  # fmt: skip
    assert exceptions(rows) == rows[1:]


def test_recovered_phantom_and_duplicate_are_in_the_totals() -> None:
    recovered, phantom, double = whole(["ok", "unknown"], 2), whole(["ok"], 3), whole(["ok"] * 2, 2)
    judge(double, compare_names([0, 1], [0, 1], [0, 1], [0, 1, 1]))
    found = totals([recovered, phantom, double])
    assert {name: found[name] for name in ("lost", "recovered", "phantom", "duplicate")} == {
        "lost": 0, "recovered": 1, "phantom": 2, "duplicate": 1,
    }  # fmt: skip
    assert unbalanced([recovered]) == []
    assert unbalanced([phantom, double]) == [
        "2 objects of the plan's studies are found that were never sent (phantom)",
        "1 objects of the plan's studies are told more than once (duplicate)",
    ]


@pytest.mark.parametrize(
    ("outcomes", "found", "witnesses", "words"),
    [
        (["ok"] * 2, 2, {}, ""),
        (["ok"] * 2, 2, {"committed": 2, "retrieved": 2, "equal": 2, "found_again": 2}, ""),
        (["ok", "refused"], 1, {}, "of 2 objects: 1 stored, 1 refused"),
        (["ok", "unknown"], 2, {}, "of 2 objects: 1 stored, 1 unknown; recovered 1"),
        (["ok"] * 2, 1, {}, "lost 1"),
        (["ok"] * 2, 2, {"found_again": 1}, "1 of 2 acknowledged are found after the kill"),
        (["ok"] * 2, 2, {"committed": 0}, "0 of 2 acknowledged are committed to"),
        (["ok"] * 2, 2, {"retrieved": 1, "equal": 0}, "1 of 2 acknowledged are come back; 1 come back altered"),
    ],
)
def test_what_happened_to_a_study_is_told_in_words(
    outcomes: list[str], found: int, witnesses: dict[str, int], words: str
) -> None:
    one = whole(outcomes, found)
    for name, count in witnesses.items():
        setattr(one, name, count)
    assert happened(one) == words
    assert exceptions([one]) == ([one] if words else [])


@pytest.mark.parametrize(("after", "said"), [(5, "agrees"), (6, "agrees"), (7, "differs"), (4, "differs")])
def test_the_archives_own_count(after: int, said: str) -> None:
    rows = [whole(["ok"] * 5, 5), whole(["unknown"], None)]
    assert compare_held(Held("south", 0, after), rows) == said
    assert compare_held(Held("south", None, after), rows) == "not told"


GOOD = {**dict.fromkeys(OUTCOMES, 0), "ok": 3}


def test_a_lost_object_is_fail_whatever_else_is_said() -> None:
    word, reasons = verdict_of("INVALID", ["lag"], GOOD, [whole(["ok"] * 2, 1)], [])
    assert word == FAIL
    assert reasons == ["1 objects were acknowledged and are not found", "lag"]


def test_an_untrusted_measurement_is_invalid_before_it_fails() -> None:
    word, reasons = verdict_of("INVALID", ["lag"], {**GOOD, "refused": 2}, [whole(["ok"], 1)], [])
    assert (word, reasons) == ("INVALID", ["lag", "2 of 5 operations did not end well: 2 refused"])


def test_what_took_no_answer_is_no_failure() -> None:
    """Rule F3: alone it is INVALID, in its own words; beside a failure the failure decides."""
    word, reasons = verdict_of("VALID", [], {**GOOD, "unknown": 1}, [], [])
    assert word == "INVALID"
    assert reasons[0].startswith("1 of 4 operations took no answer")
    word, reasons = verdict_of("VALID", [], {**GOOD, "unknown": 1, "failed": 1}, [], [])
    assert (word, len(reasons)) == (FAIL, 2)


def test_pass_and_fail() -> None:
    assert verdict_of("VALID", [], GOOD, [whole(["ok"], 1)], [Held("south", 0, 1)]) == (PASS, [])
    assert verdict_of("VALID", [], {**GOOD, "failed": 1}, [], [])[0] == FAIL
    word, reasons = verdict_of("VALID", [], GOOD, [whole(["ok"], 1)], [Held("south", 0, 0)])
    assert (word, reasons) == (FAIL, ["south: the archive counts 0 objects more, acknowledged were 1"])
