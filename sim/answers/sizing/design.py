"""Designs: what a planner may choose for a cluster, as a world and as money a year."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from sim.world.demand import yearly_exams
from sim.world.estate import Estate, build_estate
from sim.world.load import World
from sim.world.quantity import Quantity
from sim.world.scenario import Archive, Scenario

Design = tuple[int, ...]  # the chosen value of each part, by its number in the part's list
TB = 1e12


class SizingProblem(ValueError):
    """A search that cannot be made: says why, and what to change."""


@dataclass(frozen=True)
class Part:
    """One thing to choose: its values, smallest first."""

    name: str
    values: tuple[float, ...]
    unit: str

    def shown(self, i: int) -> str:
        """A value with its unit."""
        return f"{self.values[i]:g} {self.unit}"


@dataclass(frozen=True)
class Money:
    """A yearly sum with the range of its unit prices (all low, all high), in the scenario's currency."""

    value: float
    low: float
    high: float

    def __add__(self, other: "Money") -> "Money":
        return Money(self.value + other.value, self.low + other.low, self.high + other.high)

    def __sub__(self, other: "Money") -> "Money":
        """A difference of two designs at the same prices."""
        ends = sorted((self.low - other.low, self.high - other.high))
        return Money(self.value - other.value, ends[0], ends[1])


def _times(amount: float, price: Quantity) -> Money:
    ends = [price.value if end is None else end for end in (price.low, price.high)]
    return Money(amount * price.value, amount * ends[0], amount * ends[1])


def _changed(figure: Quantity, value: float) -> Quantity:
    """Another value of a figure; its range is the design's business, not the source's."""
    return figure.model_copy(update={"value": value, "low": None, "high": None})


class Catalogue:
    """All designs of one cluster."""

    def __init__(self, world: World, cluster: str) -> None:
        if world.scenario.sizing is None:
            raise SizingProblem(f"{world.path} has no [sizing] section: say there what may be chosen, and its prices")
        self.world, self.cluster, self._sizing = world, cluster, world.scenario.sizing
        self._estates: dict[tuple[int, int], Estate] = {}
        kinds = sorted({row.kind for row in self.base.sites})
        lacking = [kind for kind in kinds if kind not in self._sizing.links]
        if lacking:
            raise SizingProblem(f"[sizing.links] has no {', '.join(lacking)}, and the cluster has such sites: add it")
        s = self._sizing
        self.parts: list[Part] = [
            *(Part(f"link_{kind}", tuple(s.links[kind].rates), "Mbit/s") for kind in kinds),
            Part("ingest_servers", tuple(s.ingest_servers), "servers"),
            Part("retrieve_servers", tuple(s.retrieve_servers), "servers"),
            Part("cache_months", tuple(s.cache_months), "months"),
            Part("rooms", tuple(s.rooms), "of the rule"),
            Part("readers", tuple(s.readers), "of the rule"),
        ]  # fmt: skip
        self._at = {part.name: i for i, part in enumerate(self.parts)}

    @cached_property
    def base(self) -> Estate:
        """The estate before any choice."""
        return build_estate(self.world, self.cluster)

    @property
    def largest(self) -> Design:
        """The largest design in range."""
        return tuple(len(part.values) - 1 for part in self.parts)

    def value(self, design: Design, name: str) -> float:
        """The chosen value of a part."""
        i = self._at[name]
        return self.parts[i].values[design[i]]

    def words(self, design: Design) -> dict[str, str]:
        """The chosen value of each part with its unit."""
        return {part.name: part.shown(i) for part, i in zip(self.parts, design, strict=True)}

    # --- as a world -------------------------------------------------------------------------------

    def world_of(self, design: Design) -> World:
        """The world with this design in the cluster; no draw changes by it."""
        codes = {row.site for row in self.base.sites}
        sites = [row.model_copy(update={"wan_mbit_s": self.value(design, f"link_{row.kind}")})
                 if row.site in codes else row for row in self.world.sites]  # fmt: skip
        return replace(self.world, scenario=self._scenario(design), sites=sites)

    def _scenario(self, design: Design) -> Scenario:
        sc, rooms, readers = self.world.scenario, self.value(design, "rooms"), self.value(design, "readers")
        used = {row.archive for row in self.base.trusts}
        archives = {name: self._archive(a, design) if name in used else a for name, a in sc.archives.items()}
        mods = {code: m.model_copy(update={"room_utilisation": _changed(
                    m.room_utilisation, min(1.0, m.room_utilisation.value / rooms))})
                for code, m in sc.modalities.items()}  # fmt: skip
        use = _changed(sc.reading.utilisation, min(1.0, sc.reading.utilisation.value / readers))
        reading = sc.reading.model_copy(update={"utilisation": use})
        return sc.model_copy(update={"archives": archives, "modalities": mods, "reading": reading})

    def _archive(self, archive: Archive, design: Design) -> Archive:
        return archive.model_copy(update={
            "ingest_servers": _changed(archive.ingest_servers, self.value(design, "ingest_servers")),
            "retrieve_servers": _changed(archive.retrieve_servers, self.value(design, "retrieve_servers")),
            "cache": _changed(archive.cache, self.value(design, "cache_months")),
        })  # fmt: skip

    # --- as money ---------------------------------------------------------------------------------

    @cached_property
    def site_tb_month(self) -> float:
        """Terabytes that the sites of the cluster take in a month of the sizing year."""
        sc = self.world.scenario
        exams = yearly_exams(self.world, self.cluster, self.base.sites, sc.plan.sizing_year).sum(axis=2)
        packed = np.array([sc.archives[self.base.archives[a]].compress for a in self.base.archive])
        total = 0.0
        for m, modality in enumerate(sc.modalities.values()):
            x = modality.matrix
            size = x.rows * x.columns * x.bytes_per_pixel * modality.images.value
            total += float((exams[:, m] * size / np.where(packed, modality.lossless_ratio.value, 1.0)).sum())
        return total / TB / 12

    def _estate(self, design: Design) -> Estate:
        key = (design[self._at["rooms"]], design[self._at["readers"]])
        if key not in self._estates:
            self._estates[key] = build_estate(self.world_of(design), self.cluster)
        return self._estates[key]

    def _links(self, design: Design) -> Money:
        out = Money(0.0, 0.0, 0.0)
        for row in self.base.sites:
            offer = self._sizing.links[row.kind]
            price = offer.prices[design[self._at[f"link_{row.kind}"]]]
            out += Money(price, price * offer.low, price * offer.high)
        return out

    def cost_parts(self, design: Design) -> dict[str, Money]:
        """Yearly cost by kind of thing."""
        s, estate, n = self._sizing, self._estate(design), len(self.base.archives)
        servers = self.value(design, "ingest_servers") + self.value(design, "retrieve_servers")
        return {
            "links": self._links(design),
            "archive servers": _times(servers * n, s.server),
            "store on site": _times(self.site_tb_month * self.value(design, "cache_months"), s.cache_tb),
            "rooms": _times(float(estate.rooms.sum()), s.room),
            "readers": _times(float(estate.readers.sum()), s.reader),
        }  # fmt: skip

    def cost(self, design: Design) -> Money:
        """Yearly cost of a design."""
        return sum(self.cost_parts(design).values(), Money(0.0, 0.0, 0.0))
