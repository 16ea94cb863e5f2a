"""The work of `filmless sweep`."""

from pathlib import Path

from filmless.output import give, hours, say, show
from filmless.progress import progress
from sim.answers.collection import Collection
from sim.runs.sweep import run_sweep
from sim.world.sweep import load_sweep

SHOWN = ("exam_to_report_s", "first_view_s", "prior_wait_s", "stored_s")


def sweep_file(path: Path, out: Path | None, json_: bool) -> None:
    """Simulate every variant, and say how each differs from the base."""
    cases = load_sweep(path)
    folder = out or Path("runs") / f"sweep-{path.stem}"
    with progress("sweep") as report:
        collection = Collection.open(run_sweep(cases, folder, report))
    found = collection.differences(SHOWN)
    if json_:
        rows = found.astype(object).where(found.notna(), None).to_dict("records")
        give({"collection": str(collection.run.folder), "hash": collection.run.results_hash, "base": collection.base,
              "variants": collection.variants, "differences": rows})  # fmt: skip
        return
    kept = found[(found["stat"] == "mean") & (found["variant"] != collection.base)]
    lines = [[str(r[c]) for c in ("variant", "cluster", "world", "measure")]
            + [_signed(r["difference_s"]), f"{_signed(r['low_s'])} to {_signed(r['high_s'])}", str(r["n"])]
            for r in kept.to_dict("records")]  # fmt: skip
    show(f"Simulated mean of each variant less that of {collection.base} (paired t, 95 %)",
         ["variant", "cluster", "world", "measure", "difference", "95 % interval", "n"], lines)  # fmt: skip
    say(f"{len(collection.variants)} variants; collection: {collection.run.folder} (percentiles: its table through "
        "sim.answers.collection.Collection)")  # fmt: skip


def _signed(seconds: float) -> str:
    if seconds == 0:
        return "0"
    return ("-" if seconds < 0 else "+") + hours(abs(seconds)) if seconds == seconds else hours(seconds)
