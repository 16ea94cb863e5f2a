"""Thresholds: what an archive is held to, as a TOML file; each line with its unit, its source and how far to trust it.

[thresholds.store-p95]
statistic = "p95"                     # p50 p95 p99 p99.9 mean error-share achieved-rate
measure = "response"                  # response, first-image, complete-study; or operations, images, bytes of a rate
operation = "store"                   # store find qido get move wado, query, retrieve, or any
limit = { value = 2, unit = "s", source = "...", status = "verified" }
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sim.world.quantity import Quantity, Strict

Statistic = Literal["p50", "p95", "p99", "p99.9", "mean", "error-share", "achieved-rate"]
Measure = Literal["response", "first-image", "complete-study", "operations", "images", "bytes"]
Kind = Literal["store", "find", "qido", "get", "move", "wado", "query", "retrieve", "any"]
QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
OPERATIONS: dict[str, tuple[str, ...]] = {
    "query": ("find", "qido"), "retrieve": ("get", "move", "wado"),
    "any": ("store", "find", "qido", "get", "move", "wado"),
}  # fmt: skip
TIMES = {"s": 1.0, "ms": 1e-3, "min": 60.0}
SHARES = {"share": 1.0, "%": 0.01}
RATES = {"operations": {"1/s": 1.0, "1/min": 1 / 60, "1/h": 1 / 3600}, "images": {"1/s": 1.0, "1/h": 1 / 3600},
         "bytes": {"MB/s": 1e6, "GB/h": 1e9 / 3600}}  # fmt: skip
TIMED = ("response", "first-image", "complete-study")


class Threshold(Strict):
    """One line. Percentiles are over operations of the steady interval, response counts from the due time."""

    statistic: Statistic = Field(description="p50, p95, p99, p99.9, mean, error-share or achieved-rate")
    measure: Measure = Field(default="response", description="response, first-image, complete-study; of a rate: "
                             "operations, images or bytes")  # fmt: skip
    operation: Kind = Field(description="store, find, qido, get, move, wado, query, retrieve or any")
    over: Literal["operations"] = Field(default="operations", description="operations: all of the steady interval")
    cluster: str | None = Field(default=None, description="only this cluster")
    supplier: str | None = Field(default=None, description="only this supplier")
    limit: Quantity = Field(description="a figure { value, unit, source, status, low, high }")

    @model_validator(mode="after")
    def _fits(self) -> "Threshold":
        allowed = self.units()
        if not allowed:
            raise ValueError(f"measure '{self.measure}' does not go with statistic '{self.statistic}'")
        if self.limit.unit not in allowed:
            raise ValueError(f"limit.unit '{self.limit.unit}': for {self.statistic} of {self.measure} it is one of "
                             f"{', '.join(allowed)}")  # fmt: skip
        if self.measure == "first-image" and self.operation not in ("get", "move", "wado", "retrieve"):
            raise ValueError("measure 'first-image' is of get, move, wado or retrieve: nothing else brings images")
        if self.limit.value < 0:
            raise ValueError(f"limit.value {self.limit.value}: must be 0 or more")
        return self

    def units(self) -> dict[str, float]:
        """Units that go with the statistic, and what one is in s, share, 1/s or bytes/s."""
        if self.statistic == "achieved-rate":
            return RATES.get(self.measure if self.measure != "response" else "operations", {})
        if self.statistic == "error-share":
            return SHARES if self.measure == "response" else {}
        return TIMES if self.measure in TIMED else {}

    @property
    def scale(self) -> float:
        """One unit of the limit in s, share, operations/s, images/s or bytes/s."""
        return self.units()[self.limit.unit]

    @property
    def at_least(self) -> bool:
        """A rate is to be reached; everything else is not to be passed."""
        return self.statistic == "achieved-rate"

    def operations(self) -> tuple[str, ...]:
        """The operations that it speaks of."""
        return OPERATIONS.get(self.operation, (self.operation,))

    def words(self) -> str:
        """The line as a sentence: "store, p95 of response (over operations) at most 2 s"."""
        rated = self.measure if self.measure != "response" else "operations"
        plain = f"{self.statistic} of {self.measure.replace('-', ' ')} (over operations)"
        special = {"error-share": "share of errors", "achieved-rate": f"achieved rate of {rated}"}
        of = special.get(self.statistic, plain)
        where = "".join(f", {one}" for one in (self.cluster, self.supplier) if one)
        word = "at least" if self.at_least else "at most"
        return f"{self.operation}{where}: {of} {word} {self.limit.value:g} {self.limit.unit}"


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$")]


class Thresholds(Strict):
    """A file of thresholds. PASS needs every one of them."""

    title: str = Field(min_length=1, description="text in quotes")
    description: str = ""
    sources: str = Field(default="", description="a CSV table beside this file, for sources that are not shipped")
    thresholds: dict[Name, Threshold] = Field(min_length=1, description="tables [thresholds.NAME]")
