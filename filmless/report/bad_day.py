"""The bad day: studies that wait on their way to the archive while something is out, and when they are gone."""

import pandas as pd

from filmless.report.figures import Figure
from filmless.report.palette import BLUE, PALE, look
from filmless.report.panels import panels
from filmless.report.simulated import Simulated
from filmless.report.tables import number, records
from filmless.report.words import clean, short_duration
from sim.answers.bad_day import WORDS
from sim.runs.store import Run

ON_THE_WAY = ("store", "wan_up", "ingest")  # at the site's store, on its link, before the archive


def has_bad_day(sim: Simulated) -> bool:
    """Is there a fault in the scenario, and were hours kept one by one (a long run pools them)?"""
    hourly = sim.run.table("hourly")
    return bool(sim.world.scenario.faults) and "waiting" in hourly and bool(hourly["waiting"].notna().any())


def backlog(sim: Simulated) -> pd.DataFrame:
    """Studies on their way at the beginning of each hour, on PACS: cluster, hour, waiting (mean over replications)."""
    rows = sim.run.table("hourly")
    rows = rows[(rows["world"] == "pacs") & rows["station"].isin(ON_THE_WAY)].astype({"cluster": str})
    return sim.in_order(rows.groupby(["cluster", "hour"])["waiting"].sum().reset_index())


def worst(sim: Simulated) -> pd.DataFrame:
    """Each cluster's largest backlog, when, and when it is back to what it was at most before the first fault."""
    data, out = backlog(sim), []
    for cluster in sim.clusters:
        mine = data[data["cluster"] == cluster].reset_index(drop=True)
        faults = [f for f in sim.world.scenario.faults.values() if f.cluster == cluster]
        if mine.empty:
            continue
        begin = min((f.start for f in faults), default=mine["hour"].max())
        before = mine[mine["hour"] <= pd.Timestamp(begin)]["waiting"].max()
        top = int(mine["waiting"].to_numpy().argmax())
        after = mine.iloc[top:]
        gone = after[after["waiting"] <= before]["hour"]
        out.append({
            "cluster": cluster, "faults": "; ".join(clean(f.what) for f in faults) or "none",
            "most before": float(before), "largest backlog": float(mine["waiting"].iloc[top]),
            "at": f"{mine['hour'].iloc[top]:%d %B %Y %H:%M}",
            "caught up by": f"{gone.iloc[0]:%d %B %Y %H:%M}" if len(gone) and faults else "not within the run"
            if faults else "no fault",
        })  # fmt: skip
    return pd.DataFrame(out)


def figure(sim: Simulated) -> Figure:
    """The backlog by hour, one panel a cluster; grey: from a fault's start until its last capacity is back."""
    data, table = backlog(sim), worst(sim)
    hit = table[table["faults"] != "none"]
    top = records((hit if len(hit) else table).sort_values("largest backlog", ascending=False))[0]
    start = data["hour"].min()
    canvas, axes = panels([sim.cluster_name(c) for c in sim.clusters], 2.8)
    with look():
        for axis, cluster in zip(axes, sim.clusters, strict=True):
            mine = data[data["cluster"] == cluster]
            for fault in sim.world.scenario.faults.values():
                if fault.cluster == cluster:
                    begin = (pd.Timestamp(fault.start) - start).total_seconds() / 86_400
                    axis.axvspan(begin, begin + fault.recovery.hours[-1] / 24, color=PALE, alpha=0.5, lw=0)
            axis.plot((mine["hour"] - start).dt.total_seconds() / 86_400, mine["waiting"], color=BLUE)
        axes[0].set_ylim(0, None)
        axes[0].set_ylabel("studies on their way")
        canvas.supxlabel(f"days from {start:%d %B %Y}; grey: from the fault until all capacity is back", fontsize=9)
    most, where = number(float(top["largest backlog"])), sim.cluster_name(str(top["cluster"]))
    return Figure(
        key="backlog", title=f"{most} studies wait at the worst hour, {where}",
        measure="Studies not yet in the archive: at stores, on links and before the archive, by hour, on PACS",
        unit="studies", place=sim.place, period=sim.period, how="simulated",
        alt=f"Line chart, one panel a cluster: studies on their way to the archive by hour, faults shaded. Largest: "
            f"{most} in {where} on {top['at']}; caught up by: {top['caught up by']}.",
        band=f"Means of {sim.replications} replications; hours are kept without their spread, so no interval is shown. "
             "Nothing is lost: what waits is sent when it can be.",
        source=sim.source, canvas=canvas, data=sim.named(table).assign(n=sim.replications),
    )  # fmt: skip


def levels_table(sim: Simulated, run: Run) -> pd.DataFrame:
    """Service levels before, during and after the fault, with what the same exams met without it."""
    t = run.table("levels")
    t = t[t["n"] > 0].reset_index(drop=True)  # a phase may have no hour
    return sim.named(pd.DataFrame({
        "cluster": t["cluster"], "when": t["phase"].map(WORDS), "level": [clean(str(w)) for w in t["words"]],
        "value": t["value"], "lower end": t["low"], "upper end": t["high"], "unit": t["unit"], "n": t["n"],
        "met in": t["met"], "without the fault": t["without"], "difference, lower end": t["more_low"],
        "difference, upper end": t["more_high"], "interval": t["method"], "status of the limit": t["status"],
    }))  # fmt: skip


def backlog_table(sim: Simulated, run: Run) -> pd.DataFrame:
    """Studies on their way at most, and how long it took until no more waited than before."""
    t = run.table("backlog")
    return sim.named(pd.DataFrame({
        "cluster": t["cluster"], "figure": t["figure"], "mean": t["value"], "lower end": t["low"],
        "upper end": t["high"], "unit": t["unit"], "n": t["n"], "interval": t["method"],
    }))  # fmt: skip


def sentences(sim: Simulated, run: Run) -> list[str]:
    """How each cluster's bad day came out."""
    rows, out = run.table("backlog"), []
    for cluster, part in rows.groupby("cluster", sort=False):
        peak, clear = (part[part["figure"].str.startswith(name)].iloc[0] for name in ("largest", "time from the fault"))
        n, caught = int(clear["replications"]), int(clear["caught_up"])
        end = f"caught up {short_duration(3600 * clear['value'])} after the fault began" if caught else "not caught up"
        some = "" if caught in (0, n) else f" in the {caught} replications that were caught up before the run ended"
        most = number(float(peak["value"]))
        out.append(f"{sim.cluster_name(str(cluster))}: {most} studies wait at most, {end}{some}; means of {n} "
                   "replications.")  # fmt: skip
    return out
