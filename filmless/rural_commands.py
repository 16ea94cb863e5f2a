"""The work of `filmless rural`."""

from importlib.metadata import version
from pathlib import Path

from filmless.output import give, hours, say, show
from filmless.progress import progress
from sim.answers.rural import Limits, rural_table, smallest_links
from sim.runs.experiment import machine
from sim.runs.store import RunWriter
from sim.world.sweep import load_sweep


def print_rural(path: Path, image_min: float, opinion_min: float, out: Path | None, json_: bool) -> None:
    """Table the units of every variant, and keep the tables in a run folder."""
    cases, limits = load_sweep(path), Limits(image_min, opinion_min)
    folder = out or Path("runs") / f"rural-{path.stem}"
    with RunWriter(folder) as writer:
        with progress("rural") as report:
            table = rural_table(cases, limits, report)
        least = smallest_links(table)
        writer.table("rural", table)
        writer.table("links", least)
        sweep = cases.sweep
        writer.close({
            "kind": "rural", "title": sweep.title, "version": version("filmless"), "start": sweep.first_day,
            "end": sweep.last_day, "clusters": sorted(set(table["cluster"])), "replications": sweep.replications,
            "seed": sweep.seed if sweep.seed is not None else cases.cases[0].world.scenario.seed, "engine": "fast",
            "image_min": image_min, "opinion_min": opinion_min, "machine": machine(),
        })  # fmt: skip
    if json_:
        give({"run": str(folder), "rural": table.to_dict("records"), "smallest": least.to_dict("records")})
        return
    rows = [[str(r["cluster"]), f"{r['link_mbit_s']:g}", f"{r['lossless_ratio']:g}", hours(r["image_p50_s"]),
             f"{hours(r['image_p95_s'])} ({hours(r['image_p95_low_s'])} to {hours(r['image_p95_high_s'])})",
             f"{100 * r['opinion_in_time']:.0f} %", f"{100 * r['link_use']:.0f} %", f"{r['journeys_avoided']:,.0f}",
             str(r["works"])] for r in table.to_dict("records")]  # fmt: skip
    heads = ["cluster", "Mbit/s", "ratio", "picture, median", "picture, p95 over exams (95 % interval)",
             f"opinion in {opinion_min:g} min", "busiest hour of a link", "journeys spared a year",
             "works"]  # fmt: skip
    show(
        f"Simulated: units of kind miu; works: p95 of the picture within {image_min:g} min, link not full", heads, rows
    )
    for r in least.to_dict("records"):
        say(f"{r['cluster']}, ratio {r['lossless_ratio']:g}: the smallest link that works is {r['smallest_mbit_s']:g} "
            f"Mbit/s; it stops working at {r['fails_at_mbit_s']:g} (nan: not among those tried)")  # fmt: skip
    say(f"run folder: {folder}")
