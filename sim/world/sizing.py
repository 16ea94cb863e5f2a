"""What a planner may choose from, and what it costs: the scenario's [sizing] section."""

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from sim.world.quantity import BIG, Limits, MoneyYear, Quantity, Sourced, Strict

MoneyTb = Annotated[Quantity, AfterValidator(Limits("money/TB/yr", 0, BIG))]
Choices = Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=1, max_length=12)]


def _ascending(name: str, values: list[float]) -> None:
    if any(a >= b for a, b in pairwise(values)):
        raise ValueError(f"{name} must rise from one to the next: {', '.join(f'{v:g}' for v in values)}")


class Links(Sourced):
    """Links on offer to one kind of site: rates in Mbit/s, and what one costs a year, in the scenario's currency."""

    rates: Choices
    prices: Choices
    low: float = Field(gt=0, le=1, description="lowest factor on the prices thought possible")
    high: float = Field(ge=1)

    @model_validator(mode="after")
    def _pairs(self) -> "Links":
        if len(self.rates) != len(self.prices):
            raise ValueError(f"prices has {len(self.prices)} values for {len(self.rates)} rates: give one each")
        _ascending("rates", self.rates)
        _ascending("prices", self.prices)
        if self.rates[0] <= 0:
            raise ValueError("rates must be above 0")
        return self


class Sizing(Strict):
    """The choices of each part of a design, smallest first, and yearly unit prices."""

    links: dict[Literal["acute", "miu"], Links] = Field(min_length=1, description="by kind of site")
    ingest_servers: Choices = Field(description="of each archive of the cluster")
    retrieve_servers: Choices
    cache_months: Choices = Field(description="images younger than this stay on site")
    rooms: Choices = Field(description="factor on the number of rooms by the scenario's rule")
    readers: Choices = Field(description="factor on the number of readers by the scenario's rule")
    server: MoneyYear = Field(description="one archive server")
    cache_tb: MoneyTb = Field(description="store on site")
    room: MoneyYear = Field(description="one room, with equipment and staff")
    reader: MoneyYear = Field(description="one reader, all day")

    @model_validator(mode="after")
    def _sense(self) -> "Sizing":
        for name in ("ingest_servers", "retrieve_servers", "cache_months", "rooms", "readers"):
            values = getattr(self, name)
            _ascending(name, values)
            if name.endswith("servers") and any(v != int(v) or v < 1 for v in values):
                raise ValueError(f"{name} are counted in whole numbers from 1")
            if name in ("rooms", "readers") and values[0] <= 0:
                raise ValueError(f"{name} must be above 0")
        return self
