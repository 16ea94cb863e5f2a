"""Outcomes in money, from the savings case: present values over the years appraised, and what was spent by the day."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.answers.case.case import Case
from sim.answers.case.catalogue import BENEFITS, COSTS
from sim.answers.case.draws import CLASSES
from sim.answers.case.summary import ENDS
from sim.answers.outcomes.figure import Figure, of_inputs
from sim.answers.outcomes.inputs import Input, Levels, scenario_input
from sim.answers.outcomes.scene import Scene

Floats = NDArray[np.float64]
OPTIONS = ("programme", "programme_paid", "minimum", "local")
WHOLE, BY_THE_DAY = "present value over the years appraised", "to the end of the day's financial year, undiscounted"
DRAWN = "95 % of draws of the money inputs over replications of the simulation"
BASE_ONLY = "base figures; draws are kept for the years together only"
MOST = 12  # inputs named as drivers: those that move the net present value most


@dataclass(frozen=True)
class Drawn:
    """Present values of an option in the chosen clusters by class: at the base, and of each draw."""

    base: dict[str, float]
    draws: dict[str, Floats]

    def sums(self, kinds: tuple[str, ...], sign: float = 1.0) -> tuple[float, Floats]:
        """Classes together: base, draws."""
        return sign * sum(self.base[k] for k in kinds), sign * np.sum([self.draws[k] for k in kinds], axis=0)


def drawn(scene: Scene, case: Case, option: str) -> Drawn:
    """Of the scene's clusters."""
    rows = _rows(scene, case, option)
    worth = rows["amount_gbp"].to_numpy() * case.factors[rows["year"].to_numpy() - case.first_year]
    base = pd.Series(worth).groupby(rows["class"].astype(str).to_numpy()).sum()
    names = list(dict.fromkeys(scene.run.manifest["clusters"]))
    kept = case.draws.by_cluster[option][[names.index(c) for c in scene.clusters]].sum(axis=0)
    return Drawn({k: float(base.get(k, 0.0)) for k in CLASSES}, dict(zip(CLASSES, kept, strict=True)))


def _rows(scene: Scene, case: Case, option: str) -> pd.DataFrame:
    lines = case.lines
    return lines[(lines["option"] == option) & lines["cluster"].isin(scene.clusters)]


def drivers(scene: Scene, case: Case) -> list[Input]:
    """The inputs that move the programme's net present value most, as the tornado has them."""
    top, known = case.sensitivity.tornado.head(MOST), case.inputs.set_index("key")["source"]
    return [Input(str(r["input"]), r["value"], r["low"], r["high"], str(r["unit"]), r["status"], str(known[r["input"]]))
            for r in top.to_dict("records")]  # fmt: skip


def _interval(value: float, draws: Floats, inputs: list[Input], note: str, **split: str) -> Figure:
    known = draws[np.isfinite(draws)]
    low, high = np.quantile(known, ENDS) if len(known) else (np.nan, np.nan)
    lost = f"; {len(draws) - len(known)} draws without a value" if len(known) < len(draws) else ""
    return Figure(value, float(low), float(high), "simulation interval and parameter range", DRAWN + lost, len(draws),
                  split, inputs, note)  # fmt: skip


def _by_the_day(scene: Scene, case: Case, option: str, kinds: tuple[str, ...], column: str, sign: float,
                note: str, inputs: list[Input], **split: str) -> Figure:  # fmt: skip
    rows = _rows(scene, case, option)
    rows = rows[rows["class"].isin(kinds) & (rows["year"] <= scene.year)]
    value = sign * float(rows[column].sum())
    return Figure(value, np.nan, np.nan, "none", BASE_ONLY, 0, {"option": option, "basis": BY_THE_DAY, **split}, inputs,
                  note)  # fmt: skip


def total_cost(scene: Scene) -> list[Figure]:
    """Public cost: above business as usual, and what is spent before that is taken off."""
    case, out = scene.case, []
    for option in OPTIONS:
        inputs = drivers(scene, case)
        value, draws = drawn(scene, case, option).sums(COSTS, -1.0)
        out.append(_interval(value, draws, inputs, "", option=option, basis=WHOLE, of="above business as usual"))
        out.append(_by_the_day(scene, case, option, COSTS, "level_gbp", -1.0, "whole years, all trusts", inputs,
                               of="all that is spent"))  # fmt: skip
    return out


def total_benefit(scene: Scene) -> list[Figure]:
    """Benefit against business as usual, by class: classes are different things, and their sum is no saving."""
    case, out = scene.case, []
    for option in OPTIONS:
        inputs, found = drivers(scene, case), drawn(scene, case, option)
        for name, kinds in [*((k, (k,)) for k in BENEFITS), ("all, less dis-benefits", BENEFITS)]:
            value, draws = found.sums(kinds)
            out.append(_interval(value, draws, inputs, "", option=option, basis=WHOLE, of=name))
            out.append(_by_the_day(scene, case, option, kinds, "amount_gbp", 1.0, "", inputs, of=name))
    return out


def benefit_cost_ratio(scene: Scene) -> list[Figure]:
    """Present benefit less dis-benefit over present public cost, both against business as usual."""
    case, out = scene.case, []
    for option in OPTIONS:
        found = drawn(scene, case, option)
        (benefit, benefits), (cost, costs) = found.sums(BENEFITS), found.sums(COSTS, -1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(costs > 0, benefits / costs, np.nan)
        value = benefit / cost if cost > 0 else float("nan")
        out.append(_interval(value, ratio, drivers(scene, case), "no ratio where the public cost is not above 0",
                             option=option, basis=WHOLE))  # fmt: skip
    return out


def benefit_share(scene: Scene) -> list[Figure]:
    """Share of each line in its class's present value, programme as announced; the nation only."""
    case, option = scene.case, "programme"
    rows = case.lines[case.lines["option"] == option]
    worth = rows["amount_gbp"].to_numpy() * case.factors[rows["year"].to_numpy() - case.first_year]
    base = rows.assign(worth=worth).groupby(["class", "line"], observed=True)["worth"].sum()
    found, inputs = case.draws.by_line[option], drivers(scene, case)
    out = []
    for kind in BENEFITS:
        own = base.get(kind)
        if own is None or not own.sum():
            continue
        whole = found[list(own.index)].sum(axis=1).to_numpy()
        for line, value in own.items():
            with np.errstate(divide="ignore", invalid="ignore"):
                share = np.where(whole != 0, found[line].to_numpy() / whole, np.nan)
            out.append(_interval(float(value / own.sum()), share, inputs, "of the whole nation; the same on every day",
                                 component=str(line), of=kind, option=option))  # fmt: skip
    return out


def film_saving_per_trust_year(scene: Scene) -> list[Figure]:
    """What a programme trust no longer pays a year once it is live: film against PACS, before any share of credit."""
    units, trusts = _units(scene), _programme(scene)
    prices = [scenario_input(scene.world, f"prices.{n}") for n in ("sheet", "chemicals", "packet")]
    sheets = [scenario_input(scene.world, f"modalities.{m}.sheets") for m in scene.rollout.modalities]
    note = "gross: all hospitals of the trust live, the exams of the day's financial year"
    inputs = [*prices, *sheets, *scene.demand_inputs()]

    def money(with_rest: bool) -> Callable[[Levels], float]:
        def formula(x: Levels) -> float:
            exams = scene.rollout.national(x)[-1]
            level = scene.levels("sheets", x) / scene.column("sheets")
            film = float((units["sheets"] * level) @ exams)
            rest = film * x["prices.chemicals"] + float(units["packets"] @ exams) * x["prices.packet"]
            return (film * x["prices.sheet"] + with_rest * rest) / trusts

        return formula

    return [of_inputs(money(False), inputs, note, of="film"),
            of_inputs(money(True), inputs, note, of="film, chemicals and packets")]  # fmt: skip


def _programme(scene: Scene) -> int:
    return max(1, sum(row.programme == "yes" for s in scene.rollout.sites for row in s.estate.trusts))


def _units(scene: Scene) -> dict[str, Floats]:
    """Units spared an exam (film world less PACS world of the run) times the programme's share of national exams."""
    flows = scene.rows("flows")
    sums = flows.groupby(["world", "modality"], observed=True)[["exams", "sheets", "packets"]].sum()
    share = np.sum([s.share[s.programme].sum(axis=(0, 2)) for s in scene.rollout.sites], axis=0)
    each = sums[["sheets", "packets"]].div(sums["exams"], axis=0)
    film, pacs = (each.xs(w, level="world").reindex(scene.rollout.modalities).fillna(0.0) for w in ("film", "pacs"))
    return {name: (film[name] - pacs[name]).to_numpy(dtype=np.float64) * share for name in ("sheets", "packets")}
