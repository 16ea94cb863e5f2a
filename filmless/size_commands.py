"""The work of `filmless size`."""

from pathlib import Path
from typing import Any

from filmless.failures import FAIL, BadInput
from filmless.output import give, say, show
from filmless.progress import progress
from filmless.report.words import money
from sim.answers.sizing.answer import Answer, Ask, run_size, summary
from sim.world.load import load_world
from sim.world.service_levels import load_levels


def run_sizing(scenario: Path, cluster: str, sla: Path, share: float, confidence: float, replications: int,
               confirm: int, days: int, seed: int | None, frontier: str, sets: list[str], out: Path | None,
               json_: bool) -> None:  # fmt: skip
    """Size a cluster, keep the answer in a run folder, say what came of it; exit code 3 when nothing in range holds."""
    world = load_world(scenario, sets)
    known = world.scenario.clusters_used or list(world.scenario.clusters)
    if cluster not in known:
        raise BadInput(f"--cluster {cluster}: there is no such cluster; the scenario uses {', '.join(known)}")
    levels = load_levels(sla, world)
    ask = Ask(cluster, world.scenario.seed if seed is None else seed, share, confidence, replications, confirm, days,
              frontier=frontier)  # fmt: skip
    folder = out or Path("runs") / f"size-{scenario.stem}-{cluster}-{sla.stem}"
    with progress("size") as report:
        answer = run_size(world, levels, ask, folder, report)
    if json_:
        give({"run": str(folder), "currency": world.scenario.currency, **summary(answer)})
    else:
        _tell(answer, folder, world.scenario.currency)
    if answer.found.design is None:
        raise SystemExit(FAIL)


def _tell(a: Answer, folder: Path, currency: str) -> None:
    rule, levels = a.found.rule, a.tables["levels"]
    if a.found.design is None:
        missed = ", ".join(f"{name} in {k} of {len_of(a)} replications" for name, k in a.failing.items())
        say(f"no design in range holds the levels: the largest one misses {missed}; run folder: {folder}")
    else:
        _design(a, currency)
    rows = [[r["words"], f"{r['value']:.3g}", f"{r['low']:.3g} to {r['high']:.3g}", r["unit"],
             f"{r['met']} of {r['n']}", r["status"]] for r in levels.to_dict("records")]  # fmt: skip
    show("Simulated service levels of this design" if a.design else "Simulated service levels of the largest design",
         ["level", "value", "95 % interval", "unit", "met", "status of the limit"], rows)  # fmt: skip
    say(f"judged by {len(a.found.steps)} of at most {rule.steps} steps; {rule.replications} replications, of which "
        f"{rule.may_fail} may miss: all levels are met in at least {100 * rule.share:g} % of such periods, and the "
        f"whole search errs with a chance of at most {100 * rule.error:.3g} %")  # fmt: skip
    if a.design:
        met, n, low, high = a.confirmed
        say(f"fresh seeds: met in {met} of {n} replications ({100 * low:.0f} to {100 * high:.0f} %, Wilson 95 %); "
            f"warm-up doubled: largest change {a.coupled:.2g} of a limit; run folder: {folder}")  # fmt: skip


def len_of(a: Answer) -> int:
    """Replications of the last judgement."""
    return a.found.steps[-1].replications


def _design(a: Answer, currency: str) -> None:
    assert a.cost is not None
    marginal, rows = a.tables["marginal"], []
    for part, value in a.design.items():
        row = [part, value]
        for step in ("smaller", "larger"):
            found = marginal[(marginal["part"] == part) & (marginal["step"] == step)].to_dict("records")
            row.append(_step(found[0], currency) if found else "end of the range")
        rows.append(row)
    title = (f"Smallest design: {money(a.cost.value, currency)} a year (prices from {money(a.cost.low, currency)} to "
             f"{money(a.cost.high, currency)}); binding level: {a.binding}")  # fmt: skip
    show(title, ["part", "chosen", "one step smaller", "one step larger"], rows)
    left = a.found.exchanges_left_out
    if left:
        say(f"{left} exchanges between parts were left out: the search had used its steps")


def _step(r: dict[Any, Any], currency: str) -> str:
    cost = r["cost_change"]
    sign = "saves " if cost < 0 else "costs "
    return (f"{sign}{money(abs(cost), currency)}; met {r['met']} of {r['n']}; {r['level']} "
            f"{r['level_change']:+.3g} {r['level_unit']}")  # fmt: skip
