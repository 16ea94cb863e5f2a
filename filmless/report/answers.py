"""Figures of the latency chapter that were measured: what the archives answered, and beside it the simulation."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from filmless.report.figures import Figure
from filmless.report.held import KIND_COLOUR, highest_mark, mark_limits, mark_stalls
from filmless.report.latency import STAT_NAME
from filmless.report.measured import BEYOND, KIND_ORDER, QUANTILES, Measured, needed
from filmless.report.palette import BLUE, ORANGE, PALE, TEAL, WORLD_MARKER, look
from filmless.report.panels import aside, direct_label, intervals, rows_of, time_axis, whisker
from filmless.report.per_play import Panel, a_panel, each, heads, left_of, panels_of, play_panels, with_plays
from filmless.report.simulated import Simulated
from filmless.report.tables import records
from filmless.report.words import duration_unit, short_duration
from loadtest.verdict.ledger import KINDS

Floats = NDArray[np.float64]
FARTHEST = 20.0  # a limit farther above the slowest answer is not worth the room
KIND_DASH = {"store": "-", "query": ":", "retrieve": "--"}
BAND = (
    "Whiskers: 95 % interval by ranks, n lowered for dependence between neighbours; none where operations are too few. "
    f"Open marks: fewer than {BEYOND} operations were slower, so the percentile is indicative only."
)
RESPONSE = "Response time of DICOM operations (due until answered in full)"
ROWS = {"film image": ("film", "time_to_image_s", "film: request to image"),
        "pacs image": ("pacs", "time_to_image_s", "PACS: request to image"),
        "pacs stored": ("pacs", "stored_s", "PACS: taken to stored")}  # fmt: skip
SIMULATED_COLOUR = {"film image": ORANGE, "pacs image": BLUE, "pacs stored": BLUE}


def percentiles(measured: Measured, clock: str = "response") -> pd.DataFrame:
    """Percentiles of each cluster and kind of operation, with how far each may be relied on."""
    return pd.concat([measured.table(s, ["cluster", "kind"], clock) for s in QUANTILES], ignore_index=True)


def _answer_rows(axis: Axes, part: pd.DataFrame, rows: Sequence[tuple[str, str]]) -> None:
    for r in records(part):
        if (r["kind"], r["stat"]) in rows:
            at, colour = rows.index((r["kind"], r["stat"])), KIND_COLOUR[r["kind"]]
            whisker(axis, at, r["value"], r["low"], r["high"], colour, "^")
            if r["enough"] != "yes":
                axis.plot([r["value"]], [at], marker="^", ms=6, color="white", mec=colour, ls="none", zorder=4)
    if part.empty:
        aside(axis, "nothing was played here")


def _ends(data: pd.DataFrame) -> tuple[float, float]:
    """Limits of a logarithmic axis around all marks and whiskers."""
    every = data[["value", "low", "high"]].to_numpy(dtype=np.float64)
    if not np.isfinite(every).any():
        return 1e-3, 1.0
    return max(1e-4, float(np.nanmin(every)) / 1.8), float(np.nanmax(every)) * 1.8


def _draw_answers(sim: Simulated, shown: Sequence[Panel], data: pd.DataFrame) -> Canvas:
    rows = [(k, s) for k in KIND_ORDER for s in ("p50", "p95")]
    canvas, axes = play_panels(sim, shown, 3.4)
    with look():
        for at, axis in enumerate(axes):
            _answer_rows(axis, data[data["panel"] == at], rows)
            rows_of(axis, [f"{k}, {'median' if s == 'p50' else s}" for k, s in rows])
            time_axis(axis, *_ends(data))
        canvas.supxlabel("time, logarithmic", fontsize=9)
    return canvas


def store_words(measured: Measured, several: bool = False) -> str:
    """The message about storing, by the highest percentile that the number of operations bears.

    Where clusters have `several` plays, that of the slowest of all plays.
    """
    by = ["run", "cluster", "kind"] if several else ["kind"]
    for stat, share in (("p95", "95 %"), ("p50", "half")):
        found = measured.table(stat, by)
        found = found[(found["kind"] == "store") & found["value"].notna()]
        if len(found):
            who = "The slowest play" if several else "The archives"
            return f"{who} stored {share} of studies within {short_duration(float(found['value'].max()))}"
    return f"{len(measured.answered()):,} operations ended well, too few for percentiles"


def answers(sim: Simulated, measured: Measured) -> Figure:
    """Median and 95th percentile of store, query and retrieve, by cluster and play."""
    shown = panels_of(sim, measured)
    data = each(shown, percentiles)
    words = store_words(measured, bool(heads(shown)))
    unit_s, unit = duration_unit(data["value"].max())
    return Figure(
        key="answers", title=words,
        measure=RESPONSE + ", median and 95th percentile over operations",
        unit=unit, place=sim.place, period=measured.period, how="measured",
        alt=f"Dot plot, {a_panel(shown)}: median and 95th percentile of measured store, query and retrieve response. "
            f"{words}.",
        band=BAND, source=measured.source, canvas=_draw_answers(sim, shown, data), row_heads=3 + heads(shown),
        data=answer_table(sim, shown, with_first_images(shown, data), unit_s, unit),
    )  # fmt: skip


def with_first_images(shown: Sequence[Panel], data: pd.DataFrame) -> pd.DataFrame:
    """The percentiles, and those of a retrieve's first image behind them."""
    first = each(shown, Measured.first_images)
    return pd.concat([data, first]) if len(first) else data


def answer_table(sim: Simulated, shown: Sequence[Panel], data: pd.DataFrame, unit_s: float, unit: str) -> pd.DataFrame:
    """Percentiles as a table; "enough" says whether n bears the percentile."""
    rows = data[["cluster", "play", "kind", "stat", "value", "low", "high", "n", "method"]]
    out = intervals(with_plays(sim.named(rows), shown), unit_s, unit)
    out.insert(2 + heads(shown), "statistic", [STAT_NAME[s] for s in data["stat"]])
    return out.assign(enough=data["enough"].to_numpy())


def _nines(q: Floats) -> Floats:
    """Percentiles on an axis of nines: 0 at 0 %, 1 at 90 %, 2 at 99 %."""
    return np.asarray(-np.log10(np.maximum(1 - q, 1e-9)))


def _name_lines(axis: Axes, lines: dict[str, Floats]) -> None:
    """Names at the right ends, pushed apart where two end close together."""
    ends = sorted((float(s[-1]), kind) for kind, s in lines.items() if len(s))
    at = 0.0
    for end, kind in ends:
        at = max(end, 1.7 * at)
        direct_label(axis, _nines(np.array([1 - 0.5 / len(lines[kind])]))[0] + 0.1, at, kind)


def _nines_panel(axis: Axes, sorted_s: Floats, kind: str) -> None:
    """A line as far as the percentile may be relied on, single operations beyond."""
    n = len(sorted_s)
    if n == 0:
        return
    q = (np.arange(n) + 0.5) / n
    sure = q <= 1 - BEYOND / n
    thin = np.unique(np.linspace(0, max(int(sure.sum()) - 1, 0), 150).round().astype(int))[: int(sure.sum())]
    axis.plot(_nines(q[thin]), sorted_s[thin], color=KIND_COLOUR[kind], ls=KIND_DASH[kind])
    axis.plot(_nines(q[~sure]), sorted_s[~sure], ls="none", marker=".", ms=3.5, color=KIND_COLOUR[kind], mew=0)


def _draw_nines(sim: Simulated, shown: Sequence[Panel], measured: Measured) -> Canvas:
    canvas, axes = play_panels(sim, shown, 3.1)
    with look():
        for axis, one in zip(axes, shown, strict=True):
            lines = {kind: one.measured.sorted_responses(one.cluster, kind) for kind in KIND_ORDER}
            for kind, sorted_s in lines.items():
                _nines_panel(axis, sorted_s, kind)
            if axis is axes[0]:
                _name_lines(axis, lines)
            mark_limits(axis, one.measured, _nines)
            mark_stalls(axis, one.measured, one.cluster)
            axis.set_xticks([0, 1, 2, 3], ["0", "90", "99", "99.9"])
        took = measured.answered()["end_s"] - measured.answered()["due_s"]
        top = max(float(took.max()), min(highest_mark(measured), FARTHEST * float(took.max())))
        time_axis(axes[0], max(1e-4, float(took.min()) / 1.5), top * 2.2, "y", 6)
        for axis in left_of(axes):
            axis.set_ylabel("response time, logarithmic")
        canvas.supxlabel("percentile (%), on an axis of nines", fontsize=9)
    return canvas


def nines(sim: Simulated, measured: Measured) -> Figure:
    """Percentile curves of store, query and retrieve on an axis of nines, by cluster and play."""
    shown = panels_of(sim, measured)
    data = each(shown, percentiles)
    unit_s, unit = duration_unit(data["value"].max())
    worst = measured.answered()
    longest = (worst["end_s"] - worst["due_s"]).max()
    return Figure(
        key="nines", title=f"The slowest answer took {short_duration(float(longest))}",
        measure=RESPONSE + " by percentile", unit=unit, place=sim.place,
        period=measured.period, how="measured",
        alt=f"Percentile curves of measured store, query and retrieve response, {a_panel(shown)}, percentiles on an "
            f"axis of nines. The slowest of {len(worst):,} operations took {short_duration(float(longest))}.",
        band=f"Lines end where fewer than {BEYOND} operations are slower; dots beyond are single operations. "
             "Thin steps in a line's colour: its thresholds, where there are any; dashed level: the longest stall. "
             "Intervals of the percentiles are in the table.",
        source=measured.source, canvas=_draw_nines(sim, shown, measured), row_heads=3 + heads(shown),
        data=answer_table(sim, shown, data, unit_s, unit),
    )  # fmt: skip


def _side(sim: Simulated, shown: Sequence[Panel]) -> pd.DataFrame:
    """Simulated and measured medians in one table: cluster, play, row, how, value, low, high, n, panel.

    What was simulated belongs to every play of its cluster: panel -1.
    """
    parts = []
    for code, (world, measure, name) in ROWS.items():
        found = sim.table(measure, "p50", ["cluster"], world)
        parts.append(found.assign(code=code, row=name, how="simulated", play="", panel=-1))
    found = each(shown, lambda measured: measured.table("p50", ["cluster", "kind"]) if measured else pd.DataFrame())
    if len(found):
        parts.append(found.assign(code=found["kind"], row=[f"archive: {k}" for k in found["kind"]], how="measured"))
    return sim.in_order(pd.concat(parts, ignore_index=True))


def _draw_side(sim: Simulated, shown: Sequence[Panel], data: pd.DataFrame) -> Canvas:
    rows = {**{c: v[2] for c, v in ROWS.items()}, **{k: f"archive: {k}" for k in KIND_ORDER}}
    codes = list(rows)
    canvas, axes = play_panels(sim, shown, 3.4)
    with look():
        for at, (axis, one) in enumerate(zip(axes, shown, strict=True)):
            for r in records(data[(data["cluster"] == one.cluster) & data["panel"].isin([-1, at])]):
                world = "measured" if r["how"] == "measured" else r["code"].split()[0]
                whisker(axis, codes.index(r["code"]), r["value"], r["low"], r["high"],
                        {**SIMULATED_COLOUR, **KIND_COLOUR}[r["code"]] if world != "measured" else TEAL,
                        WORLD_MARKER[world])  # fmt: skip
            axis.axhline(2.5, color=PALE, lw=0.8)
            rows_of(axis, list(rows.values()))
            time_axis(axis, *_ends(data))
        canvas.supxlabel("time, logarithmic; simulated above the line, measured below it", fontsize=9)
    return canvas


def side_by_side(sim: Simulated, measured: Measured) -> Figure:
    """Simulated film, simulated PACS and the measured archives on one axis, by cluster and play."""
    shown = panels_of(sim, measured)
    data = _side(sim, shown)
    film = sim.table("time_to_image_s", "p50", [], "film")["value"].iloc[0]
    pacs = sim.table("time_to_image_s", "p50", [], "pacs")["value"].iloc[0]
    words = f"{short_duration(float(film))} on film, {short_duration(float(pacs))} on PACS"
    played = f" Measured archives: {measured.targets}, {measured.period}." if measured else ""
    return Figure(
        key="side-by-side", title=f"Median time to image: {words}",
        measure="Median of simulated times over exams and of measured responses over operations", unit="seconds",
        place=sim.place, period=sim.period, how="simulated and measured" if measured else "simulated",
        alt=f"Dot plot, {a_panel(shown)}, logarithmic: simulated times on film and PACS above measured archive "
            f"responses. Median time to image: {words}.",
        band=f"{sim.band()} Measured: intervals by ranks.{played}",
        source=f"{sim.source}; {measured.source}" if measured else sim.source,
        canvas=_draw_side(sim, shown, data), row_heads=3 + heads(shown), data=_side_table(sim, shown, data),
    )  # fmt: skip


def _side_table(sim: Simulated, shown: Sequence[Panel], data: pd.DataFrame) -> pd.DataFrame:
    named = sim.named(data)[["cluster", "play", "row", "how", "value", "low", "high", "n", "method"]]
    named["play"] = named["play"].where(named["how"] == "measured", "simulated")
    return intervals(with_plays(named, shown).rename(columns={"row": "what"}), 1.0, "seconds")


def outcomes(sim: Simulated, measured: Measured) -> pd.DataFrame:
    """Every operation by what came of it."""
    return sim.named(sim.in_order(measured.outcomes())).rename(columns={"kind": "operation"})


def ledger(sim: Simulated, measured: Measured) -> pd.DataFrame:
    """Studies that were to be stored, with the archive's own word: one row a cluster, objects summed.

    Counts that an archive did not tell (missing or negative) are left out of its sum; states are named as recorded.
    """
    rows = measured.ledger
    counted = {"planned": "objects planned", "sent": "objects sent", "answered": "objects answered",
               "found_cfind": "found by C-FIND", "found_qido": "found by QIDO-RS"}  # fmt: skip
    counted |= {kind: f"objects {words}" for kind, words in KINDS.items()}
    known = [c for c in counted if c in rows and pd.api.types.is_numeric_dtype(rows[c])]
    sums = rows[known].clip(lower=0).fillna(0).astype(int).groupby(rows["cluster"]).sum().rename(columns=counted)
    states = pd.crosstab(rows["cluster"], rows["state"]).add_prefix("studies ")
    whole = rows.groupby("cluster").size().rename("studies").to_frame().join(sums).join(states)
    return sim.named(sim.in_order(whole.reset_index()))


def objects(sim: Simulated, measured: Measured) -> pd.DataFrame:
    """Service time of single stored images by cluster and play, milliseconds; empty without a table of objects."""
    shown = panels_of(sim, measured)
    found = each(shown, Measured.objects)
    if found.empty:
        return found
    rows = sim.named(found)[["cluster", "play", "value", "low", "high", "n", "method"]]
    out = intervals(with_plays(rows, shown), 1e-3, "milliseconds")
    out.insert(1 + heads(shown), "statistic", [STAT_NAME[s] for s in found["stat"]])
    return out.assign(enough=found["enough"].to_numpy())


def by_part(sim: Simulated, measured: Measured, column: str) -> pd.DataFrame:
    """Median and p95 response time by cluster, play, kind and supplier or modality, with what n bears."""
    shown, by = panels_of(sim, measured), ["cluster", column, "kind"]
    found = each(shown, lambda one: pd.concat([one.table(s, by) for s in ("p50", "p95")], ignore_index=True))
    rows = sim.named(found)[["cluster", "play", column, "kind", "stat", "value", "low", "high", "n"]]
    out = intervals(with_plays(rows, shown), 1, "seconds")
    out.insert(3 + heads(shown), "statistic", [STAT_NAME[s] for s in found["stat"]])
    return out.assign(enough=found["enough"].to_numpy())


NEEDED = {s: needed(q) for s, q in QUANTILES.items()}
