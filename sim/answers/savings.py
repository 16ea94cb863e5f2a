"""What film no longer costs, by trust: the same exams on film and on PACS, a full year, everything live.

First cut of the savings case: gross of what PACS costs. Units come from the simulation (film world less PACS
world, per exam of each modality and setting) times a year's expected exams; prices from the scenario. Cash and
time are separate classes and are never added. Trusts that had PACS before the programme are left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.answers.intervals import student
from sim.runs.store import Run
from sim.world.calendar import financial_year
from sim.world.demand import modality_codes, setting_codes, yearly_exams
from sim.world.estate import build_estate
from sim.world.load import World
from sim.world.quantity import Quantity

Floats = NDArray[np.float64]
CASH, TIME = "cash-releasing", "non-cash-releasing"
UNITS = ("sheets", "packets", "pulls", "porter_trips", "courier_trips")


@dataclass(frozen=True)
class Component:
    """One line of the saving: yearly units avoided times money a unit, at a price level (value, low, high)."""

    name: str
    kind: str
    inputs: Callable[[World], list[Quantity]]
    money: Callable[[dict[str, Floats], World, list[float]], Floats]


def _hours(minutes: float) -> float:
    return minutes / 60


def _posts(units: dict[str, Floats], world: World, x: list[float]) -> Floats:
    """Posts that can be withdrawn: whole ones only, in each trust."""
    money: Floats = np.floor(units["exams"] / 1e5 * x[0] * x[1]) * x[2]
    return money


def _library_time(units: dict[str, Floats], world: World, x: list[float]) -> Floats:
    """Hours of pulling and filing, less those that leave with the posts (1,600 working hours a post)."""
    film = world.scenario.film
    hours = units["pulls"] * _hours(film.pull.value) + units["packets"] * _hours(film.filing.value)
    prices = world.scenario.prices
    posts = np.floor(units["exams"] / 1e5 * prices.library_staff.value * prices.library_released.value)
    money: Floats = np.maximum(hours - 1600 * posts, 0.0) * x[0]
    return money


COMPONENTS = (
    Component("film", CASH, lambda w: [w.scenario.prices.sheet], lambda u, w, x: u["sheets"] * x[0]),
    Component("chemicals", CASH, lambda w: [w.scenario.prices.chemicals], lambda u, w, x: u["sheets"] * x[0]),
    Component("packets", CASH, lambda w: [w.scenario.prices.packet], lambda u, w, x: u["packets"] * x[0]),
    Component("couriers", CASH, lambda w: [w.scenario.prices.courier], lambda u, w, x: u["courier_trips"] * x[0]),
    Component("processor upkeep", CASH, lambda w: [w.scenario.prices.processor],
              lambda u, w, x: u["processors"] * x[0]),
    Component("library posts", CASH,
              lambda w: [w.scenario.prices.library_staff, w.scenario.prices.library_released,
                         w.scenario.prices.clerk_year], _posts),
    Component("library time", TIME, lambda w: [w.scenario.prices.clerk], _library_time),
    Component("porter time", TIME, lambda w: [w.scenario.prices.porter, w.scenario.film.porter_time],
              lambda u, w, x: u["porter_trips"] * _hours(x[1]) * x[0]),
)  # fmt: skip


def _rates(flows: pd.DataFrame, mods: list[str], sets: list[str]) -> Floats:
    """Units an exam saved, float64[replication, unit, modality, setting]: film world less PACS world."""
    keys = ["replication", "world", "modality", "setting"]
    sums = flows.groupby(keys)[["exams", *UNITS]].sum()
    exams = sums["exams"].to_numpy()[:, None]
    each = pd.DataFrame(sums[list(UNITS)].to_numpy() / exams, index=sums.index, columns=list(UNITS)).reset_index()
    out = np.zeros((int(flows["replication"].max()) + 1, len(UNITS), len(mods), len(sets)))
    sign = np.where(each["world"] == "film", 1.0, np.where(each["world"] == "pacs", -1.0, 0.0))
    where = (each["replication"], each["modality"].map(mods.index), each["setting"].map(sets.index))
    for i, unit in enumerate(UNITS):
        np.add.at(out[:, i], tuple(w.to_numpy() for w in where), sign * each[unit].to_numpy())
    return out


def _units(world: World, cluster: str, year: int, rates: Floats) -> tuple[list[str], dict[str, Floats]]:
    """Programme trusts of a cluster, and their yearly units saved, each float64[replication, trust]."""
    estate = build_estate(world, cluster)
    exams = yearly_exams(world, cluster, estate.sites, year)
    keep = [i for i, row in enumerate(estate.trusts) if row.programme == "yes"]
    by_trust = np.zeros((len(estate.trusts), *exams.shape[1:]))
    np.add.at(by_trust, estate.trust, exams)
    saved = np.einsum("rums,tms->urt", rates, by_trust[keep])
    processors = np.bincount(estate.trust, estate.processors, len(estate.trusts))[keep]
    shape = saved.shape[1:]
    units = {unit: saved[i] for i, unit in enumerate(UNITS)}
    units["exams"] = np.broadcast_to(by_trust[keep].sum(axis=(1, 2)), shape)
    units["processors"] = np.broadcast_to(processors, shape)
    return [estate.trusts[i].trust for i in keep], units


def _level(q: Quantity, which: str) -> float:
    found = getattr(q, which)
    return q.value if found is None else float(found)


def _line(world: World, cluster: str, trusts: list[str], units: dict[str, Floats], c: Component) -> pd.DataFrame:
    inputs = c.inputs(world)
    value, low, high = (c.money(units, world, [_level(q, which) for q in inputs]) for which in ("value", "low", "high"))
    return pd.DataFrame({
        "cluster": cluster, "trust": trusts, "component": c.name, "class": c.kind, "value_gbp": value.mean(axis=0),
        "low_gbp": low.mean(axis=0), "high_gbp": high.mean(axis=0),
        "source": "; ".join(f"{q.source} ({q.status})" for q in inputs), "by_replication": list(value.T),
    })  # fmt: skip


def savings_table(run: Run, world: World) -> pd.DataFrame:
    """One row a programme trust and component, GBP a year: value, low and high of the prices' ranges.

    `by_replication` holds the value of each replication, for intervals of sums (`summed`).

    Raises:
        ValueError: the run lacks the film or the PACS world.
    """
    missing = {"film", "pacs"} - set(run.manifest["worlds"])
    if missing:
        raise ValueError(
            f"the run has no {' or '.join(sorted(missing))} world: simulate with --world film --world pacs"
        )
    year, flows = financial_year(date.fromisoformat(str(run.manifest["start"]))), run.table("flows")
    mods, sets, parts = modality_codes(world), setting_codes(world), []
    for cluster in run.manifest["clusters"]:
        rates = _rates(flows[flows["cluster"] == cluster], mods, sets)
        trusts, units = _units(world, cluster, year, rates)
        parts += [_line(world, cluster, trusts, units, c) for c in COMPONENTS]
    return pd.concat(parts, ignore_index=True)


def summed(table: pd.DataFrame, by: list[str], ci: float = 0.95) -> pd.DataFrame:
    """Sums of a savings table: value with its simulation interval (low, high) and the range of the prices."""
    rows = []
    for key, part in table.groupby(by, sort=False):
        found = student(np.sum(np.stack(list(part["by_replication"])), axis=0), ci)
        rows.append(dict(zip(by, key, strict=True)) | {
            "value_gbp": found.value, "low_gbp": found.low, "high_gbp": found.high, "n": found.n,
            "method": found.method, "price_low_gbp": part["low_gbp"].sum(), "price_high_gbp": part["high_gbp"].sum(),
        })  # fmt: skip
    return pd.DataFrame(rows)
