"""The words of the first and the last page: what this is, three numbers, caveats, assurance, how it was made."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from filmless.report.front_table import ALL, Row
from filmless.report.measured import Measured, archive_name, parts_of, validity
from filmless.report.planner import has_rollout, live_sentence
from filmless.report.plans import plan_runs, rural_sentences, size_sentence
from filmless.report.simulated import Simulated
from filmless.report.tables import number
from filmless.report.words import change, clean, duration_unit, money, money_within, ranged, short_duration

STATED = {"analyst": "Analyst", "level": "Level applied", "assured": "Covers", "not_assured": "Does not cover",
          "limits": "Known limits"}  # fmt: skip
SELF_TESTED = (
    "What was checked, by the program's own tests: units and boundaries (dynamic, constraint), types (static), "
    "queueing theory and conservation (formal), two engines exam by exam. What was not: the model's form against a "
    "real "
    "hospital, its assumptions by anybody who knows them, this report by a second person. Known limits: stand-in "
    "hospitals, assumed archive profiles, mostly assumed prices and minutes. Level applied: the analyst's own checks."
)


@dataclass(frozen=True)
class Headline:
    """One number of the front page."""

    value: str
    what: str
    interval: str


@dataclass(frozen=True)
class Assurance:
    """What the report says about who checked it."""

    verdict: str
    words: str
    independent: bool = False


def assurance(manifest: dict[str, Any]) -> Assurance:
    """The report calls itself assured only where an assurer other than the analyst is named (Aqua Book).

    Read from the manifest's `quality_assurance`: analyst, assurer, date, level, assured, not_assured, limits.
    """
    found = manifest.get("quality_assurance")
    named = {k: clean(str(v)) for k, v in found.items()} if isinstance(found, dict) else {}
    analyst, assurer = named.get("analyst", ""), named.get("assurer", "")
    if not assurer:
        why = "No assurer is named in the run's metadata."
    elif not analyst:
        why = f"{assurer} is named as assurer, but no analyst is, so independence cannot be seen."
    elif assurer.casefold() == analyst.casefold():
        why = f"{assurer} is named as analyst and as assurer; the two must be different people."
    else:
        words = " ".join(f"{head}: {named.get(key, 'not stated')}." for key, head in STATED.items())
        return Assurance(f"Assured by {assurer}, {named.get('date', 'no date given')}.", words, True)
    return Assurance("Without independent assurance.", f"{why} {SELF_TESTED}")


def sentences(sim: Simulated, measured: Measured) -> list[str]:
    """What this is, in three sentences."""
    exams = round(sim.run.table("flows").query("world == 'pacs'")["exams"].sum() / sim.replications)
    clusters = f"{len(sim.clusters)} clusters" if len(sim.clusters) > 1 else "1 cluster"
    played = ("The DICOM traffic of each cluster's busiest time was then played, on time, against archives "
              f"({measured.targets}), and measured ({measured.period})." if measured else
              "No measured run was given, so nothing in this report was measured.")  # fmt: skip
    return [
        f"This report simulates the {exams:,} exams of {clusters} of {sim.place}, {sim.period}, "
        "twice: on film and on PACS.",
        played,
        "It lets planners, vendors and analysts compare latency, storage and savings before anything is bought.",
    ]


def headlines(sim: Simulated, rows: list[Row]) -> list[Headline]:
    """Three numbers with their intervals."""
    whole = next(r for r in rows if r["cluster"] == ALL)
    return [_report_headline(sim), _money_headline(whole), _archive_headline(whole)]


def _report_headline(sim: Simulated) -> Headline:
    i = sim.difference("exam_to_report_s", "p50")
    words, ends = change(i.value, i.low, i.high)
    return Headline(words, "median exam to report on PACS than on film, simulated",
                    f"95 % interval: {ends}; {i.n} replications")  # fmt: skip


def _money_headline(whole: Row) -> Headline:
    code = whole["currency"]
    low, high = (whole[f"npv_gbp_{end}"] for end in ("low", "high"))
    ends = f"{money(low, code)} to {money(high, code)}"
    return Headline(money_within(whole["npv_gbp"], low, high, code),
                    "net present value of the programme against business as usual, most inputs assumed",
                    f"95 % of the draws of the inputs: {ends}; {whole['npv_gbp_n']:,} draws")  # fmt: skip


def _archive_headline(whole: Row) -> Headline:
    value, verdicts = whole.get("store_p95_s", float("nan")), whole.get("verdicts", "")
    if whole.get("apart"):
        return Headline(verdicts, f"verdicts of what was played and measured; {whole['apart']}",
                        "each play's own figures: see the table of plays")  # fmt: skip
    if value == value:
        size, unit = duration_unit(value)
        ends = ranged(whole["store_p95_s_low"] / size, whole["store_p95_s_high"] / size, unit)
        return Headline(short_duration(value), f"within which 95 % of studies were stored, measured: {verdicts}",
                        f"95 % interval: {ends}; {whole['store_p95_s_n']:,} studies")  # fmt: skip
    ends = ranged(whole["gb_low"], whole["gb_high"], "GB")
    return Headline(f"{number(whole['gb'])} GB", "of images in the period before compression, simulated",
                    f"95 % interval: {ends}; {whole['gb_n']} replications")  # fmt: skip


def planning(sim: Simulated, plans: Sequence[Path]) -> list[str]:
    """What the planner's chapter comes to, a sentence each."""
    rollout = [live_sentence(sim)] if has_rollout(sim) else []
    sized = [size_sentence(sim, run) for run in plan_runs(plans, "sizing")]
    rural = [words for run in plan_runs(plans, "rural") for words in rural_sentences(sim, run)]
    return [*rollout, *sized, *rural]


def caveats(sim: Simulated, measured: Measured) -> list[str]:
    """The few that matter."""
    out = [
        "Intervals of times and counts show chance alone; those of money hold the ranges of its inputs. The other "
        "assumptions (their ranges are at the end) and the model's form weigh more, and are in no interval here.",
        "Archive profiles in the simulation are assumed for every supplier; they say nothing about a product.",
    ]
    invented = sim.run.table("sites")["invented"].astype(str) == "yes"
    if invented.any():
        out.append(f"{int(invented.sum()):,} of {len(invented):,} places are numbered stand-ins, marked as invented: "
                   "read clusters, not single trusts.")  # fmt: skip
    if measured:
        out.append("Measured response times are of the archives named above, on one machine without a wide-area "
                   "network, for minutes, not for years.")  # fmt: skip
        out += [f"Measured run {text}. It is INVALID: do not use its numbers." for text in measured.invalid]
        other = [r for r in measured.runs if r.manifest.get("scenario_hash", sim.manifest("scenario_hash"))
                 != sim.manifest("scenario_hash")]  # fmt: skip
        if other:
            out.append(f"{len(other)} of the measured runs played traffic of another scenario than the one simulated.")
    return out


def _dict(data: dict[str, Any], key: str) -> dict[str, Any]:
    found = data.get(key)
    return found if isinstance(found, dict) else {}


def simulation_table(sim: Simulated) -> pd.DataFrame:
    """What made the simulated run, on what, how long it took, and the hashes of all it holds."""
    m, machine = sim.run.manifest, _dict(sim.run.manifest, "machine")
    versions = ", ".join(f"{k} {v}" for k, v in _dict(machine, "versions").items())
    rows = {
        "run folder": sim.run.folder.name, "scenario": m.get("title"), "scenario file": m.get("scenario_file"),
        "scenario, SHA-256": m.get("scenario_hash"), "days": f"{m.get('start')} to {m.get('end')}",
        "seed": m.get("seed"), "replications": m.get("replications"), "engine": m.get("engine"),
        "warm-up": f"{m.get('warm_up_days')} days", "program": f"filmless {m.get('version')}",
        "wall time": f"{m.get('wall_s')} s", "machine": f"{machine.get('cores')} cores, {machine.get('system')}",
        "Python and libraries": f"{machine.get('python')}; {versions}", "all tables, SHA-256": sim.run.results_hash,
        **{f"{name}, SHA-256": value for name, value in sorted(_dict(m, "files").items())},
    }  # fmt: skip
    return pd.DataFrame([(clean(str(k)), clean(str(v))) for k, v in rows.items()], columns=["item", "value"])


def measured_table(measured: Measured) -> pd.DataFrame:
    """The measured runs: a row for each archive that was played against, with all that its numbers depend on."""
    rows = []
    for run in measured.runs:
        m, targets, starts = run.manifest, parts_of(run, "targets"), parts_of(run, "starts")
        for cluster, target in targets.items() or [("", {})]:
            tcp = target.get("tcp", "") if isinstance(target, dict) else ""
            said = {
                "run folder": run.folder.name, "cluster": cluster, "archive": archive_name(target), "its TCP": tcp,
                "our TCP": m.get("tcp_profile", ""), "traffic from": starts.get(cluster, m.get("start", "")),
                "speed": m.get("speed", ""), "seed": m.get("seed", ""), "program": f"filmless {m.get('version', '')}",
                "validity": validity(run), "all tables, SHA-256": run.results_hash,
            }  # fmt: skip
            rows.append({k: clean(str(v)) for k, v in said.items()})
    return pd.DataFrame(rows)


def commands(sim: Simulated, measured: Measured) -> list[str]:
    """How to verify, and to build this page again."""
    names = [shlex.quote(clean(r.folder.name)) for r in (sim.run, *measured.runs)]
    return [f"filmless verify {names[0]}", f"filmless report {' '.join(names)}"]
