"""What a size search answers: the design, how sure, what binds, what the next step costs; kept in a run folder."""

from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd

from sim.answers.intervals import student
from sim.answers.levels import busiest
from sim.answers.sizing.bench import Bench, Progress, Trial
from sim.answers.sizing.design import Catalogue, Design, Money, SizingProblem
from sim.answers.sizing.rule import wilson
from sim.answers.sizing.search import Found, Step, search
from sim.runs.experiment import machine
from sim.runs.manifest import dump_world, scenario_hash
from sim.runs.store import RunWriter
from sim.world.load import World
from sim.world.service_levels import SECONDS, Level, ServiceLevels, levels_of

NEAR = 10  # replications of a neighbour of the found design
TWO_SIDED_95 = 1.959964
CALM = 3  # replications of the warm-up check


@dataclass(frozen=True)
class Ask:
    """A question to the search."""

    cluster: str
    seed: int
    share: float = 0.8
    confidence: float = 0.95
    replications: int = 0  # 0: as few as allow two to miss
    confirm: int = 50  # replications with fresh seeds
    days: int = 1
    warm_up_days: int = 7
    cool_down_days: int = 2
    frontier: str = ""  # a level; empty: the one nearest to its limit among those in p95
    processes: int = 0


@dataclass
class Answer:
    """The answer; `design` is empty when none in range holds."""

    ask: Ask
    found: Found
    design: dict[str, str]
    cost: Money | None
    binding: str
    failing: dict[str, int]  # levels that the largest design misses, and in how many replications
    confirmed: tuple[int, int, float, float]  # met, of n, Wilson 95 %
    coupled: float  # largest change of a ratio when the warm-up is doubled
    tables: dict[str, pd.DataFrame]
    trial: Trial


def _money(prefix: str, m: Money) -> dict[str, float]:
    return {prefix: m.value, f"{prefix}_low": m.low, f"{prefix}_high": m.high}


def _numbers(catalogue: Catalogue, design: Design) -> dict[str, float]:
    return {part.name: part.values[i] for part, i in zip(catalogue.parts, design, strict=True)}


def steps_table(catalogue: Catalogue, steps: list[Step]) -> pd.DataFrame:
    """Every judgement of the search, in order."""
    return pd.DataFrame([
        {"step": s.number, "part": s.part, **_numbers(catalogue, s.design), "holds": s.holds,
         "replications": s.replications, "met": s.met, "share_low": s.low, "share_high": s.high,
         "worst_level": s.worst_level, "worst_ratio": s.worst_ratio, "difference": s.against.value,
         "difference_low": s.against.low, "difference_high": s.against.high, "n": s.against.n,
         **_money("cost", catalogue.cost(s.design))} for s in steps
    ])  # fmt: skip


def levels_table(bench: Bench, design: Design) -> pd.DataFrame:
    """Each level of a design: its value in the limit's unit with interval, and in how many replications it is met."""
    ratios, rows = bench.all_known(design), []
    for i, (name, level) in enumerate(bench.trial.levels.items()):
        r = student(ratios[:, i], 0.95)
        rows.append({
            "level": name, "words": level.words(), "value": r.value * level.limit.value,
            "low": r.low * level.limit.value, "high": r.high * level.limit.value, "limit": level.limit.value,
            "unit": level.limit.unit, "ratio": r.value, "met": int((ratios[:, i] <= 1).sum()), "n": r.n,
            "method": r.method, "source": level.limit.source, "status": level.limit.status,
        })  # fmt: skip
    return pd.DataFrame(rows)


def _neighbours(catalogue: Catalogue, design: Design) -> list[tuple[int, int, Design]]:
    return [(i, step, (*design[:i], design[i] + step, *design[i + 1 :]))
            for i, part in enumerate(catalogue.parts) for step in (-1, 1)
            if 0 <= design[i] + step < len(part.values)]  # fmt: skip


def marginal_table(bench: Bench, design: Design) -> pd.DataFrame:
    """One step smaller and larger of each part: what it costs, and the level that it moves most."""
    catalogue, names, rows = bench.catalogue, list(bench.trial.levels), []
    base = bench.ratios(design, range(NEAR))
    for i, step, other in _neighbours(catalogue, design):
        ratios, part = bench.ratios(other, range(NEAR)), catalogue.parts[i]
        at = int(abs((ratios - base).mean(axis=0)).argmax())
        moved = student(ratios[:, at] - base[:, at], 0.95)
        limit = bench.trial.levels[names[at]].limit
        rows.append({
            "part": part.name, "step": "smaller" if step < 0 else "larger", "from": part.values[design[i]],
            "to": part.values[other[i]], "unit": part.unit,
            **_money("cost_change", catalogue.cost(other) - catalogue.cost(design)),
            "met": int((ratios <= 1).all(axis=1).sum()), "n": moved.n, "level": names[at],
            "level_change": moved.value * limit.value, "level_change_low": moved.low * limit.value,
            "level_change_high": moved.high * limit.value, "level_unit": limit.unit, "method": f"paired {moved.method}",
        })  # fmt: skip
    return pd.DataFrame(rows)


def frontier_table(bench: Bench, level_name: str) -> pd.DataFrame:
    """Cost against one level over all designs tried often enough; `efficient`: none is both cheaper and better."""
    at, rows = list(bench.trial.levels).index(level_name), []
    limit = bench.trial.levels[level_name].limit
    for design in bench.designs():
        ratios = bench.all_known(design)
        if len(ratios) < NEAR:
            continue
        r = student(ratios[:, at], 0.95)
        rows.append({
            **_numbers(bench.catalogue, design), **_money("cost", bench.catalogue.cost(design)), "level": level_name,
            "value": r.value * limit.value, "low": r.low * limit.value, "high": r.high * limit.value,
            "unit": limit.unit, "n": r.n, "met": int((ratios <= 1).all(axis=1).sum()),
        })  # fmt: skip
    table = pd.DataFrame(rows).sort_values(["cost", "value"], ignore_index=True)
    return table.assign(efficient=table["value"] < table["value"].cummin().shift(fill_value=float("inf")))


def _tightest(table: pd.DataFrame) -> str:
    return str(table["level"].iloc[int(table["ratio"].to_numpy().argmax())])


def _frontier_level(table: pd.DataFrame, levels: dict[str, Level]) -> str:
    timed = [name for name, level in levels.items() if level.statistic == "p95" and level.limit.unit in SECONDS]
    rows = table[table["level"].isin(timed)] if timed else table
    return _tightest(rows)


def _confirmed(bench: Bench, design: Design, n: int) -> tuple[int, int, float, float]:
    if n == 0:
        return 0, 0, 0.0, 1.0
    met = int((bench.ratios(design, range(n), bench.trial.seed + 1) <= 1).all(axis=1).sum())
    return met, n, *wilson(met, n, TWO_SIDED_95)


def _coupled(bench: Bench, design: Design, ask: Ask) -> float:
    """Does the warm-up suffice? The largest change of any ratio when it is twice as long; 0: the same to the bit."""
    catalogue, trial = bench.catalogue, bench.trial
    period, hour = busiest(catalogue.world, ask.cluster, ask.days, 2 * ask.warm_up_days, ask.cool_down_days)
    longer, world = Trial(trial.levels, period, hour, trial.seed), catalogue.world_of(design)
    known = bench.ratios(design, range(CALM))
    return max(float(abs(longer.ratios(world, ask.cluster, r) - known[r]).max()) for r in range(CALM))


def size(world: World, levels: ServiceLevels, ask: Ask, progress: Progress) -> Answer:
    """Search, look around the found design, and try it on fresh seeds.

    Raises:
        SizingProblem: no [sizing] section, no level for this cluster, or one that concerns too few exams.
    """
    concerned = levels_of(levels, ask.cluster)
    if not concerned:
        raise SizingProblem(f"no level of '{levels.title}' concerns cluster {ask.cluster}")
    if ask.frontier and ask.frontier not in concerned:
        raise SizingProblem(f"--frontier {ask.frontier}: there is no such level; there are {', '.join(concerned)}")
    catalogue = Catalogue(world, ask.cluster)
    period, hour = busiest(world, ask.cluster, ask.days, ask.warm_up_days, ask.cool_down_days)
    trial = Trial(concerned, period, hour, ask.seed)
    with Bench.open(catalogue, trial, ask.processes, progress) as bench:
        found = search(bench, ask.share, ask.confidence, ask.replications)
        tables = {"steps": steps_table(catalogue, found.steps)}
        if found.design is None:
            ratios = bench.all_known(catalogue.largest)
            failing = {n: int(k) for n, k in zip(concerned, (ratios > 1).sum(axis=0), strict=True) if k}
            tables["levels"] = levels_table(bench, catalogue.largest)
            return Answer(ask, found, {}, None, "", failing, (0, 0, 0.0, 1.0), 0.0, tables, trial)
        tables["levels"] = levels_table(bench, found.design)
        tables["marginal"] = marginal_table(bench, found.design)
        binding = _tightest(tables["levels"])
        tables["frontier"] = frontier_table(bench, ask.frontier or _frontier_level(tables["levels"], concerned))
        parts = catalogue.cost_parts(found.design)
        tables["costs"] = pd.DataFrame([{"part": n, **_money("cost", m)} for n, m in parts.items()])
        return Answer(
            ask, found, catalogue.words(found.design), catalogue.cost(found.design), binding, {},
            _confirmed(bench, found.design, ask.confirm), _coupled(bench, found.design, ask), tables, trial,
        )  # fmt: skip


def run_size(world: World, levels: ServiceLevels, ask: Ask, out: Path,
             progress: Progress = lambda done, total, text: None) -> Answer:  # fmt: skip
    """`size`, kept in a run folder: whole or not at all."""
    begun = perf_counter()
    with RunWriter(out) as writer:
        answer = size(world, levels, ask, progress)
        for name, table in answer.tables.items():
            writer.table(name, table)
        writer.close({
            "kind": "sizing", "title": world.scenario.title, "version": version("filmless"),
            "scenario_file": world.path.name, "scenario_hash": scenario_hash(world), "seed": ask.seed,
            "start": answer.trial.period.start, "end": answer.trial.period.days[-1], "clusters": [ask.cluster],
            "replications": answer.found.rule.replications, "engine": "fast", "ask": asdict(ask),
            "levels": levels.model_dump(mode="json"), "currency": world.scenario.currency, **summary(answer),
            "wall_s": round(perf_counter() - begun, 3), "machine": machine(), "scenario": dump_world(world),
        })  # fmt: skip
    return answer


def summary(a: Answer) -> dict[str, Any]:
    """The answer in a few values."""
    rule, (met, n, low, high) = a.found.rule, a.confirmed
    return {
        "verdict": "FAIL" if a.found.design is None else "PASS", "design": a.design,
        "cost_a_year": asdict(a.cost) if a.cost else None, "binding_level": a.binding,
        "levels_missed_by_the_largest": a.failing,
        "rule": {"share": rule.share, "error_of_the_whole_search": round(rule.error, 9), "most_steps": rule.steps,
                 "replications": rule.replications, "may_miss": rule.may_fail},
        "steps": len(a.found.steps), "exchanges_left_out": a.found.exchanges_left_out,
        "fresh_seeds": {"met": met, "n": n, "low": low, "high": high, "method": "Wilson, 95 %"},
        "warm_up_change": a.coupled,
    }  # fmt: skip
