"""The planner's chapter where more was run: size searches (frontier, marginal costs), sweeps, rural units."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas

from filmless.report.figures import Figure
from filmless.report.palette import BLUE, ORANGE, PALE, look
from filmless.report.panels import direct_label
from filmless.report.simulated import Simulated
from filmless.report.tables import number, records
from filmless.report.words import clean, money, short_duration, symbol
from sim.answers.collection import Collection
from sim.runs.store import Run

KINDS = ("sizing", "sweep", "rural", "bad-day")
SHOWN = ("exam_to_report_s", "first_view_s", "prior_wait_s", "stored_s")


def plan_runs(folders: Sequence[str | Path], kind: str) -> list[Run]:
    """Those of the folders that hold a run of this kind; a sweep's own folder stands for its collection."""
    found = []
    for folder in map(Path, folders):
        at = folder / "collection" if (folder / "collection").is_dir() else folder
        run = Run(at)
        if run.manifest.get("kind") == kind:
            found.append(run)
    return found


def _cluster(sim: Simulated, run: Run) -> str:
    return sim.cluster_name(str(run.manifest["clusters"][0]))


def size_sentence(sim: Simulated, run: Run) -> str:
    """A size search in a sentence."""
    m, where = run.manifest, _cluster(sim, run)
    levels = clean(str(m["levels"]["title"]))
    if m["verdict"] != "PASS":
        missed = ", ".join(m["levels_missed_by_the_largest"])
        return f"{where}: no design in range holds the service levels '{levels}'; the largest one misses {missed}."
    cost, fresh = m["cost_a_year"], m["fresh_seeds"]
    ends = f"{money(cost['low'], m['currency'])} to {money(cost['high'], m['currency'])}"
    return (f"{where}: the smallest design found that holds '{levels}' on the busiest day of the sizing year costs "
            f"{money(cost['value'], m['currency'])} a year (range of the unit prices: {ends}); level "
            f"'{m['binding_level']}' binds; with fresh seeds it held in {fresh['met']} of {fresh['n']} "
            "replications.")  # fmt: skip


def design_table(sim: Simulated, run: Run) -> pd.DataFrame:
    """The found design, and what one step smaller and larger of each part costs and does."""
    marginal, code, rows = run.table("marginal"), str(run.manifest["currency"]), []
    for part, value in run.manifest["design"].items():
        for r in records(marginal[marginal["part"] == part]):
            rows.append({
                "part": part.replace("_", " "), "chosen": value, "step": f"{r['step']}, to {r['to']:g}",
                f"cost ({code} a year)": r["cost_change"], f"lowest ({code} a year)": r["cost_change_low"],
                f"highest ({code} a year)": r["cost_change_high"], "all levels met in": f"{r['met']} of {r['n']}",
                "level moved most": r["level"], "by": r["level_change"], "lower end": r["level_change_low"],
                "upper end": r["level_change_high"], "unit": r["level_unit"],
            })  # fmt: skip
    return pd.DataFrame(rows)


def levels_table(run: Run) -> pd.DataFrame:
    """Each service level of the design with its limit's source status."""
    t = run.table("levels")
    return pd.DataFrame({
        "level": t["words"], "value": t["value"], "lower end": t["low"], "upper end": t["high"], "unit": t["unit"],
        "n": t["n"], "met in": t["met"], "status of the limit": t["status"]})  # fmt: skip


def _draw_frontier(table: pd.DataFrame, limit: float, unit: str, code: str, found: float) -> Canvas:
    with look():
        canvas = Canvas(figsize=(9.6, 3.2), layout="constrained")
        axis = canvas.subplots()
        cost = table["cost"] / 1e6
        axis.vlines(cost, table["low"], table["high"], color=PALE, lw=1)
        axis.plot(cost, table["value"], ls="none", marker="o", ms=4, color=PALE, mec="white", mew=0.4)
        best = table[table["efficient"]]
        axis.step(best["cost"] / 1e6, best["value"], where="post", color=BLUE, marker="o", ms=5)
        axis.axhline(limit, color=ORANGE, lw=1.2, ls="--")
        if float(table["value"].max()) > 20 * max(float(table["value"].min()), 1e-9):
            axis.set_yscale("log")
        axis.axvline(found / 1e6, color=BLUE, lw=1.0, ls=":")
        direct_label(axis, float(cost.max()), limit, "limit", "right", "bottom")
        axis.set_xlabel(f"cost of the design, {symbol(code).strip()} million a year")
        axis.set_ylabel(f"level ({unit})")
    return canvas


def frontier(sim: Simulated, run: Run) -> Figure:
    """Cost against a service level over every design tried."""
    table, m = run.table("frontier"), run.manifest
    name, unit, code = str(table["level"].iloc[0]), str(table["unit"].iloc[0]), str(m["currency"])
    level = m["levels"]["levels"][name]
    limit, where = float(level["limit"]["value"]), _cluster(sim, run)
    best, stat = table[table["efficient"]], f"{level['measure'].replace('_', ' ')}, {level['statistic']}"
    found = float(m["cost_a_year"]["value"])
    words = f"{where}: {money(found, code)} a year holds all levels, nothing found below"
    shown = table.assign(efficient=np.where(table["efficient"], "yes", "no"))
    choices = {c: f"{c.replace('_', ' ')}" for c in table.columns if c in m["design"]}
    data = shown.rename(columns={
        **choices, "cost": f"cost ({code} a year)", "cost_low": f"cost, low prices ({code} a year)",
        "cost_high": f"cost, high prices ({code} a year)", "value": f"level ({unit})", "low": f"lower end ({unit})",
        "high": f"upper end ({unit})", "met": "all levels met in"}).drop(columns=["unit"])  # fmt: skip
    return Figure(
        key=f"frontier-{m['clusters'][0]}", title=words, measure=f"Cost of each design tried against {stat} ({name})",
        unit=f"{symbol(code).strip()} million a year and {unit}", place=where,
        period=f"busiest day of the sizing year, {m['start']}", how="simulated",
        alt=f"Scatter of {len(table)} designs: yearly cost against {stat}, with the limit of {limit:g} {unit}. "
            f"{int(best.shape[0])} of them are neither dearer nor worse than another.",
        band="Bars: 95 % interval over replications of the level. Blue steps: designs that no other beats in both. "
             "Dotted: the design that holds all levels; those to its left miss one. Unit prices are assumed.",
        source=f"filmless size search, seed {m['seed']}, scenario {str(m['scenario_hash'])[:12]}",
        canvas=_draw_frontier(table, limit, unit, code, found), data=data, row_heads=1,
    )  # fmt: skip


def what_if(sim: Simulated, run: Run) -> pd.DataFrame:
    """Each variant's means less the base's, paired; seconds."""
    found = Collection(run).differences(SHOWN)
    base = str(run.manifest["base"])
    kept = found[(found["stat"] == "mean") & (found["variant"] != base)].reset_index(drop=True)
    named = sim.named(kept)
    return pd.DataFrame({
        "variant": named["variant"], "cluster": named["cluster"], "pathway": named["world"],
        "measure": [sim_words(str(m)) for m in named["measure"]], "difference (s)": named["difference_s"],
        "lower end (s)": named["low_s"], "upper end (s)": named["high_s"], "n": named["n"]})  # fmt: skip


def sim_words(measure: str) -> str:
    """A measure's name for readers."""
    return measure.removesuffix("_s").replace("_", " ")


def rural_table(sim: Simulated, run: Run) -> pd.DataFrame:
    """Units on thin links by rate and picture quality."""
    t = run.table("rural")
    t = t[t["link_mbit_s"].notna()].sort_values(["lossless_ratio", "link_mbit_s"], ignore_index=True)
    return pd.DataFrame({
        "compression": [f"{r:g} : 1" for r in t["lossless_ratio"]],
        "link (Mbit/s)": [f"{r:g}" for r in t["link_mbit_s"]],
        "cluster": [sim.cluster_name(str(c)) for c in t["cluster"]],
        "picture, median (min)": t["image_p50_s"] / 60, "picture, p95 over exams (min)": t["image_p95_s"] / 60,
        "lower end (min)": t["image_p95_low_s"] / 60, "upper end (min)": t["image_p95_high_s"] / 60,
        "opinion in time (%)": 100 * t["opinion_in_time"], "busiest hour of a link (%)": 100 * t["link_use"],
        "journeys spared a year": t["journeys_avoided"].round(), "spared, low": t["journeys_avoided_low"].round(),
        "spared, high": t["journeys_avoided_high"].round(), "n": t["n"], "works": t["works"]})  # fmt: skip


def rural_sentences(sim: Simulated, run: Run) -> list[str]:
    """The smallest link that works, by quality."""
    out = []
    for r in records(run.table("links")):
        where, ratio = sim.cluster_name(str(r["cluster"])), f"compressed {r['lossless_ratio']:g} : 1"
        ratio = "uncompressed" if r["lossless_ratio"] == 1 else ratio
        works, fails = float(r["smallest_mbit_s"]), float(r["fails_at_mbit_s"])
        if np.isnan(works):
            words = "no link that was tried works"
        else:
            words = f"{works:g} Mbit/s works" + ("" if np.isnan(fails) else f", {fails:g} Mbit/s no longer")
        out.append(f"{where}, units on thin links, pictures {ratio}: {words}.")
    return out


def limits_words(run: Run) -> str:
    """What "works" means in a rural table."""
    image = short_duration(60 * float(run.manifest["image_min"]))
    opinion = short_duration(60 * float(run.manifest["opinion_min"]))
    return (f"works: 95 % of pictures are with the remote reader within {image}, and no hour has more than the link "
            f"can send; in time: an opinion within {opinion}, n = {number(float(run.manifest['replications']))} "
            "replications")  # fmt: skip
