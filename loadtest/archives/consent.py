"""The owner's consent: what a target file must say before load may leave this machine (rules S4, S5, S6)."""

import hashlib
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sim.world.quantity import Strict
from sim.world.scenario import ModalityCode

STATEMENT = "The owner of this archive has agreed that filmless may put load on it."
Words = Annotated[str, Field(min_length=3, max_length=200)]
Positive = Annotated[float, Field(gt=0)]


class Consent(Strict):
    """Who agreed, until when, and to how much. Each line must be there; none has a default."""

    statement: Words = Field(description=f"exactly: {STATEMENT}")
    owner: Words = Field(description="who owns the archive")
    agreed_by: Words = Field(description="the person who agreed for the owner")
    agreed_on: date
    valid_until: date = Field(description="the last day on which load may be sent")
    hours: list[Annotated[float, Field(ge=0, le=24)]] = Field(
        min_length=2, max_length=2, description="[from, to] in hours of the local day"
    )
    images_per_s: Positive = Field(description="highest rate of objects")
    gigabytes: Positive = Field(description="most data sent in one run")
    minutes: Positive = Field(description="longest run")
    modalities: list[ModalityCode] = Field(min_length=1)
    network: Literal["private", "link-local", "public"] = Field(description="the kind of network it is in")

    @model_validator(mode="after")
    def _consistent(self) -> "Consent":
        if self.statement != STATEMENT:
            raise ValueError(f"statement must read exactly: {STATEMENT}")
        if self.hours[0] >= self.hours[1]:
            raise ValueError("hours must be [from, to] with from before to")
        if self.agreed_on > self.valid_until:
            raise ValueError("valid_until is before agreed_on")
        return self

    def refusal(self, today: date, hour: float) -> str:
        """Why load may not be sent at this moment; '' when it may. `hour` is the local time of day in hours."""
        if today < self.agreed_on:
            return f"consent begins on {self.agreed_on}"
        if today > self.valid_until:
            return f"consent ended on {self.valid_until}"
        if not self.hours[0] <= hour < self.hours[1]:
            return f"consent covers {self.hours[0]:g} to {self.hours[1]:g} o'clock, and it is {hour:.2f}"
        return ""

    def excess(self, images_per_s: float, gigabytes: float, minutes: float) -> list[str]:
        """Each limit that a planned run would break, in words."""
        planned = {"images_per_s": images_per_s, "gigabytes": gigabytes, "minutes": minutes}
        allowed = {name: float(getattr(self, name)) for name in planned}
        return [f"{name} {planned[name]:g} > {allowed[name]:g}" for name in planned if planned[name] > allowed[name]]


def token(host: str, port: int, ae_title: str, owner: str) -> str:
    """The Patient ID of the marker study by which the archive itself agrees (rule S5); 25 characters."""
    said = "\n".join((host.lower(), str(port), ae_title, owner))
    return "FILMLESS-" + hashlib.sha256(said.encode()).hexdigest()[:16].upper()
