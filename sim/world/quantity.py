"""A number with its unit, its source and how far that source is to be trusted."""

import re
from dataclasses import dataclass
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
    price_year: int | None = Field(default=None, description="a price's year where it is not the scenario's")

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


@dataclass(frozen=True)
class Limits:
    """What a figure's key demands: the unit, and the lowest and highest value.

    A unit that begins with `MONEY` takes any currency's code in its place; that it is the scenario's own is a rule's
    business (`rules.money_in_own_currency`), which knows the scenario.
    """

    unit: str
    low: float
    high: float

    @property
    def pattern(self) -> str:
        """The unit as a regular expression."""
        return f"^{re.escape(self.unit).replace(MONEY, CURRENCY)}$"

    def __call__(self, q: Quantity) -> Quantity:
        """The figure itself, or a ValueError that says what is allowed."""
        if not re.match(self.pattern, q.unit):
            words = ", with the scenario's currency for 'money'" if MONEY in self.unit else ""
            raise ValueError(f"the unit must be '{self.unit}'{words}, not '{q.unit}'")
        if not self.low <= q.value <= self.high:
            upto = "and above" if self.high == BIG else f"to {self.high}"
            raise ValueError(f"value {q.value} {self.unit} is outside the allowed {self.low} {upto}")
        return q


BIG = 1e15
MONEY = "money"
CURRENCY = "[A-Z]{3}"  # a code of ISO 4217, such as GBP, or an invented one
Share = Annotated[Quantity, AfterValidator(Limits("share", 0, 1))]
Count = Annotated[Quantity, AfterValidator(Limits("count", 0, BIG))]
Ratio = Annotated[Quantity, AfterValidator(Limits("ratio", 0, BIG))]
Seconds = Annotated[Quantity, AfterValidator(Limits("s", 0, BIG))]
Millis = Annotated[Quantity, AfterValidator(Limits("ms", 0, BIG))]
Minutes = Annotated[Quantity, AfterValidator(Limits("min", 0, BIG))]
HoursQ = Annotated[Quantity, AfterValidator(Limits("h", 0, BIG))]
Days = Annotated[Quantity, AfterValidator(Limits("day", 0, BIG))]
Months = Annotated[Quantity, AfterValidator(Limits("month", 0, BIG))]
MbitS = Annotated[Quantity, AfterValidator(Limits("Mbit/s", 1e-6, BIG))]
MByteS = Annotated[Quantity, AfterValidator(Limits("MB/s", 1e-6, BIG))]
YearlyGrowth = Annotated[Quantity, AfterValidator(Limits("%/yr", -50, 100))]
Money = Annotated[Quantity, AfterValidator(Limits("money", 0, BIG))]
MoneyYear = Annotated[Quantity, AfterValidator(Limits("money/yr", 0, BIG))]
MoneyHour = Annotated[Quantity, AfterValidator(Limits("money/h", 0, BIG))]
Millilitres = Annotated[Quantity, AfterValidator(Limits("mL", 0, BIG))]
MilliSievert = Annotated[Quantity, AfterValidator(Limits("mSv", 0, BIG))]
People = Annotated[Quantity, AfterValidator(Limits("people", 0, BIG))]
FtePer100k = Annotated[Quantity, AfterValidator(Limits("FTE/100k exams", 0, BIG))]
