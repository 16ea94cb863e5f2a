"""Rows of a scenario's CSV tables. Every row says where it comes from.

Rows are checked from text, so these models convert (`"12"` to 12) where the TOML models do not.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from sim.world.quantity import Status
from sim.world.scenario import ModalityCode, SettingCode


def _blank(value: object) -> object:
    return None if value == "" else value


OptionalDate = Annotated[date | None, BeforeValidator(_blank)]
OptionalFloat = Annotated[float | None, BeforeValidator(_blank)]
YesNo = Literal["yes", "no"]


class Row(BaseModel):
    """Base of every table row: no unknown column; source and status as in the scenario."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    source: str = Field(min_length=1)
    status: Status


class SourceRow(BaseModel):
    """A source that quantities point to by id."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str = Field(min_length=1)
    source: str = Field(description="publication, organisation, page")
    address: str = Field(default="", description="without scheme")
    year: str = ""
    note: str = ""


class TrustRow(Row):
    """A trust: in the programme, or with a PACS of its own already."""

    trust: str = Field(min_length=1)
    name: str
    cluster: str
    archive: str = Field(description="profile of its PACS supplier")
    programme: YesNo
    live: OptionalDate = Field(description="go-live date of the plan, or day since when it has PACS; blank: never")
    invented: YesNo = Field(description="yes: a numbered stand-in for a trust whose name is not known")


class SiteRow(Row):
    """A place with imaging: an acute hospital or a Minor Injuries Unit."""

    site: str = Field(min_length=1, max_length=12)
    number: int = Field(ge=1, le=9999, description="never re-used: exam ids and draws hang on it")
    name: str
    trust: str
    kind: Literal["acute", "miu"]
    ae: YesNo
    rural: YesNo
    reads_at: str = Field(description="site whose readers report its exams (its own code where it has readers)")
    modalities: str = Field(description="codes with spaces between")
    weight: float = Field(gt=0, description="relative to the other sites of the cluster")
    wan_mbit_s: float = Field(gt=0)
    invented: YesNo


class VolumeRow(Row):
    """National exams of one modality in the financial year that starts in April of `year`."""

    modality: ModalityCode
    year: int = Field(ge=1990, le=2100)
    exams: float = Field(ge=0)
    low: OptionalFloat
    high: OptionalFloat


class MixRow(Row):
    """Share of a modality's exams that a setting asks for."""

    modality: ModalityCode
    setting: SettingCode
    share: float = Field(ge=0, le=1)
    low: OptionalFloat
    high: OptionalFloat


class PriorAgeRow(Row):
    """Cumulative share of priors that are younger than `months`; first row 0, last row 1."""

    months: float = Field(ge=0)
    share: float = Field(ge=0, le=1)
