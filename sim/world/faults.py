"""What goes wrong: faults at a stated time with a recovery curve, breakdowns at random, equipment lost before its
first use. Off unless named.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from sim.world.quantity import BIG, HoursQ, Limits, Months, Quantity, Ratio, Sourced, Strict

EventsYear = Annotated[Quantity, AfterValidator(Limits("events/yr", 0, BIG))]


MONTH_DAYS = 30.4375


class Recovery(Sourced):
    """Share of the station that works, from so many hours after the fault's start on; the last is 1: all is well."""

    hours: list[Annotated[float, Field(ge=0)]] = Field(min_length=2)
    capacity: list[Annotated[float, Field(ge=0, le=1)]] = Field(min_length=2)

    @model_validator(mode="after")
    def _steps(self) -> "Recovery":
        if len(self.hours) != len(self.capacity):
            raise ValueError(f"hours has {len(self.hours)} steps and capacity {len(self.capacity)}: give one for one")
        if self.hours[0] != 0 or any(b <= a for a, b in zip(self.hours, self.hours[1:], strict=False)):
            raise ValueError("hours must begin with 0 and ascend")
        if self.capacity[-1] != 1:
            raise ValueError("the last capacity must be 1: a fault that never ends is another design, not a fault")
        return self


class Fault(Strict):
    """A fault of one cluster. Servers that are out finish what they have begun; a link that is down keeps its queue."""

    what: str = Field(description="in words, for the report")
    station: Literal["link", "archive", "store"] = Field(
        description="link: both ways between site and cluster; archive: of the cluster; store: of the site"
    )
    cluster: str
    sites: list[str] = Field(default=[], description="only these; empty: all of the cluster")
    start: datetime = Field(json_schema_extra={"format": "date-time-local"})
    recovery: Recovery


class Breakdown(Strict):
    """Random breakdowns: Poisson by server, repair times lognormal. A server's own stream, day by day."""

    station: Literal["room", "store", "archive"]
    rate: EventsYear = Field(description="a server")
    repair: HoursQ = Field(description="median")
    spread: Ratio = Field(description="standard deviation of the repair time's logarithm")


class Destroyed(Strict):
    """Equipment that is destroyed before its first use: its trusts go live later, and stay on film until then."""

    what: str = Field(description="in words, for the report")
    trusts: list[str] = Field(min_length=1, description="codes of the trusts table")
    delay: Months = Field(description="from the planned go-live until there is other equipment")


def delay_days(losses: Iterable[Destroyed], trust: str) -> int:
    """By how many days a trust goes live later, over all that befalls it."""
    return round(MONTH_DAYS * sum(one.delay.value for one in losses if trust in one.trusts))


def postponed(losses: Iterable[Destroyed], trust: str, live: date) -> date:
    """A trust's go-live after what befalls its equipment."""
    return live + timedelta(days=delay_days(losses, trust))
