"""A number with its unit, its source and how far that source is to be trusted."""

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Status = Literal[
    "verified",
    "verified-second-hand",
    "verified-address-lost",
    "derived",
    "from-memory-high",
    "from-memory-medium",
    "from-memory-low",
    "assumed",
]
ASSUMPTIONS = ("from-memory-high", "from-memory-medium", "from-memory-low", "assumed")


class Strict(BaseModel):
    """Base of every scenario model: no unknown key, no silent conversion, no NaN."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Sourced(Strict):
    """What every figure carries: a source id (a row of the sources table) and a status."""

    source: str = Field(min_length=1, description="id of a row in the sources table")
    status: Status
    note: str = ""

    @property
    def is_assumption(self) -> bool:
        """True when nobody has read the figure at its source: it must be shown with its range."""
        return self.status in ASSUMPTIONS


class Quantity(Sourced):
    """One number: value, unit, source, status; an assumption also has its range."""

    value: float
    unit: str
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _range(self) -> "Quantity":
        if self.is_assumption and (self.low is None or self.high is None):
            raise ValueError(f"status '{self.status}' is an assumption: give its range, low and high")
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        if not low <= self.value <= high:
            raise ValueError(f"value {self.value} lies outside its range {low} to {high}")
        return self


class Profile(Sourced):
    """Relative weights (any scale; they are normalised), such as the 24 hours of a day."""

    values: list[Annotated[float, Field(ge=0)]] = Field(min_length=1, max_length=24)
    low: float | None = Field(default=None, description="lowest factor on a weight thought possible")
    high: float | None = None


def _must(unit: str, low: float, high: float) -> Callable[[Quantity], Quantity]:
    def check(q: Quantity) -> Quantity:
        if q.unit != unit:
            raise ValueError(f"the unit must be '{unit}', not '{q.unit}'")
        if not low <= q.value <= high:
            raise ValueError(f"value {q.value} {unit} is outside the allowed {low} to {high}")
        return q

    return check


_BIG = 1e15
Share = Annotated[Quantity, AfterValidator(_must("share", 0, 1))]
Count = Annotated[Quantity, AfterValidator(_must("count", 0, _BIG))]
Ratio = Annotated[Quantity, AfterValidator(_must("ratio", 0, _BIG))]
Seconds = Annotated[Quantity, AfterValidator(_must("s", 0, _BIG))]
Millis = Annotated[Quantity, AfterValidator(_must("ms", 0, _BIG))]
Minutes = Annotated[Quantity, AfterValidator(_must("min", 0, _BIG))]
HoursQ = Annotated[Quantity, AfterValidator(_must("h", 0, _BIG))]
Days = Annotated[Quantity, AfterValidator(_must("day", 0, _BIG))]
Months = Annotated[Quantity, AfterValidator(_must("month", 0, _BIG))]
MbitS = Annotated[Quantity, AfterValidator(_must("Mbit/s", 1e-6, _BIG))]
MByteS = Annotated[Quantity, AfterValidator(_must("MB/s", 1e-6, _BIG))]
YearlyGrowth = Annotated[Quantity, AfterValidator(_must("%/yr", -50, 100))]
Pounds = Annotated[Quantity, AfterValidator(_must("GBP", 0, _BIG))]
PoundsYear = Annotated[Quantity, AfterValidator(_must("GBP/yr", 0, _BIG))]
PoundsHour = Annotated[Quantity, AfterValidator(_must("GBP/h", 0, _BIG))]
Millilitres = Annotated[Quantity, AfterValidator(_must("mL", 0, _BIG))]
MilliSievert = Annotated[Quantity, AfterValidator(_must("mSv", 0, _BIG))]
People = Annotated[Quantity, AfterValidator(_must("people", 0, _BIG))]
FtePer100k = Annotated[Quantity, AfterValidator(_must("FTE/100k exams", 0, _BIG))]
