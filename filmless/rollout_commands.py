"""The work of `filmless rollout`."""

from pathlib import Path

from filmless.failures import BadInput
from filmless.output import give, say, show
from sim.answers.rollout import completion_table, dated, live_table, pace_of, rollout_of, write_trusts
from sim.world.load import load_world

MODES = ("announced", "table", "paced")


def print_rollout(scenario: Path, mode: str, replications: int, seed: int | None, sets: list[str], table: Path | None,
                  json_: bool) -> None:  # fmt: skip
    """Completion by cluster, trusts live by date, and on wish a trusts table with these dates."""
    world = load_world(scenario, sets)
    chosen = mode or rollout_of(world).mode
    if chosen not in MODES:
        raise BadInput(f"--mode {mode}: must be one of {', '.join(MODES)}")
    pace = pace_of(world, chosen, replications, seed)
    done, live = completion_table(world, pace), live_table(world, pace)
    if table is not None:
        if table.exists():
            raise BadInput(f"{table} exists already: name another file with --table")
        write_trusts(dated(world, pace), table)
    if json_:
        months = live.assign(date=live["date"].dt.strftime("%Y-%m-%d")).to_dict("records")
        ends = done.astype(object).where(done.notna(), None).to_dict("records")
        give({"mode": chosen, "deadline": str(rollout_of(world).deadline), "completion": ends, "live": months})
        return
    rows = [[str(r["cluster"]), str(r["trusts"]), str(r["median"]), f"{r['low']} to {r['high']}",
             f"{r['mean_low']} to {r['mean_high']}" if r["mean_low"] else "none: one replication",
             f"{100 * r['in_time']:.0f} %", str(r["n"])] for r in done.to_dict("records")]  # fmt: skip
    title = f"Last trust live, {'simulated' if chosen == 'paced' else chosen}; deadline {rollout_of(world).deadline}"
    show(title, ["cluster", "trusts", "median", "90 % of replications", "mean, 95 % interval", "in time", "n"], rows)
    whole = live[(live["cluster"] == "all") & (live["date"].dt.month % 6 == 0)]
    show("Trusts live at the end of half-years", ["date", "median", "90 % of replications", "of", "n"],
         [[f"{r['date']:%Y-%m-%d}", f"{r['median']:.0f}", f"{r['low']:.0f} to {r['high']:.0f}", str(r["trusts"]),
           str(r["n"])] for r in whole.to_dict("records")])  # fmt: skip
    if table is not None:
        say(f"{table}: each trust's median go-live; name it in a scenario's [tables] trusts")
