"""The scenario: every word and number that a run depends on, as strict models.

A scenario is one TOML file, the files that it extends, and the CSV tables that it names
(`tables.py`). Times of day are local; the clock does not change in summer.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sim.world.faults import Breakdown, Destroyed, Fault
from sim.world.money import MoneySide
from sim.world.pace import Rollout
from sim.world.quantity import (
    CURRENCY,
    Count,
    Days,
    FtePer100k,
    HoursQ,
    MbitS,
    MByteS,
    Millilitres,
    Millis,
    MilliSievert,
    Minutes,
    Money,
    MoneyHour,
    MoneyYear,
    Months,
    People,
    Profile,
    Ratio,
    Seconds,
    Share,
    Sourced,
    Strict,
    YearlyGrowth,
)
from sim.world.sizing import Sizing

ModalityCode = Literal["CR", "DX", "CT", "MR", "US", "RF", "NM", "MG"]
SettingCode = Literal["ae", "ip", "op", "gp", "miu"]
Recall = Literal["none", "site", "cluster", "country"]
Span = Annotated[list[Annotated[float, Field(ge=0, le=24)]], Field(max_length=2)]


class Hours(Sourced):
    """Opening hours as [from, to] on a weekday, Saturday and Sunday; [] is closed, [0, 24] always open."""

    weekday: Span
    friday: Span | None = Field(default=None, description="where Fridays differ from other weekdays")
    saturday: Span
    sunday: Span

    @model_validator(mode="after")
    def _ordered(self) -> "Hours":
        for name in ("weekday", "friday", "saturday", "sunday"):
            span = getattr(self, name)
            if span and (len(span) != 2 or span[0] >= span[1]):
                raise ValueError(f"{name} must be [] or [from, to] with from before to, in hours of the day")
        if not (self.weekday or self.saturday or self.sunday):
            raise ValueError("closed all week: nothing would ever be done")
        return self


class Plan(Strict):
    """The dates that the scenario speaks of."""

    start: date
    end: date
    sizing_year: int = Field(ge=1990, le=2100, description="rooms and readers are sized for this year's demand")
    ramp: Days = Field(description="from a trust's go-live until its last hospital is live")

    @model_validator(mode="after")
    def _ordered(self) -> "Plan":
        if self.start >= self.end:
            raise ValueError(f"the plan ends ({self.end}) before it starts ({self.start})")
        return self


class Tables(Strict):
    """CSV files, each named from the folder of the file that says it."""

    sources: str
    trusts: str
    sites: str
    volumes: str
    mix: str
    prior_age: str


class Cluster(Strict):
    """A region with its Local Service Provider and its central archive."""

    name: str
    lsp: str
    suppliers: list[str] = Field(min_length=1, description="PACS makers as announced")
    archives: list[str] = Field(min_length=1, description="archive profiles; each trust names one of them")
    population: People
    exams_share: Share = Field(description="share of the national exams")
    central_store_from: date = Field(description="images go to the cluster's archive from this day")
    sharing: bool = Field(description="may one trust recall another's images?")
    recall: Recall | None = Field(
        default=None,
        description="how far earlier exams are recalled; left out: cluster where sharing is true, else site. country: "
        "from other clusters too, after a record lookup",
    )
    prefetch: bool = Field(
        default=False, description="priors of booked exams come to the site the night before, outside of the queues"
    )
    back_load: Ratio | None = Field(
        default=None, description="days of the old archive loaded back on each day from go-live on, newest first"
    )


class Matrix(Sourced):
    """The shape of one stored image; bytes = rows x columns x bytes_per_pixel."""

    rows: int = Field(ge=16, le=8192)
    columns: int = Field(ge=16, le=8192)
    bytes_per_pixel: Literal[1, 2, 3]


class Modality(Strict):
    """One kind of equipment: its work, its images, its rooms, its reading, its film."""

    name: str
    matrix: Matrix
    images: Count = Field(description="mean images an exam")
    images_cv: Ratio = Field(description="standard deviation over mean, lognormal, rounded, at least 1")
    lossless_ratio: Ratio
    room: Minutes = Field(description="mean room time of an exam")
    room_cv: Ratio
    room_utilisation: Share = Field(description="rooms are so many that open hours are used to this share")
    hours: Hours = Field(description="when a routine exam may start; an emergency may at any time")
    read: Minutes = Field(description="mean reading time")
    read_cv: Ratio
    prior: Share = Field(description="exams with an earlier one that the reader wants")
    sheets: Count = Field(description="mean film sheets an exam")
    sheets_cv: Ratio
    reject_film: Share = Field(description="exams repeated on film, all causes")
    reject_digital: Share
    dose: MilliSievert = Field(description="effective dose of an exam")
    growth: YearlyGrowth = Field(description="beyond the last year of the volumes table")
    season: Profile = Field(description="12 months, January first")


class Setting(Strict):
    """Where an exam is asked for, and so when, how urgently, and who waits for the image."""

    name: str
    booked: bool = Field(default=False, description="by appointment: what is wanted can be fetched the day before")
    emergency: Share = Field(description="exams with priority over routine ones")
    hourly: Profile = Field(description="24 hours, Monday to Friday")
    weekend_hourly: Profile = Field(description="24 hours, Saturday and Sunday")
    weekday: Profile = Field(description="7 days, Monday first: requests of the whole day")
    view_delay: Minutes = Field(description="from image taken until the asking doctor wants to see it, mean")
    film_goes_first: bool = Field(description="on film: the asking doctor sees it before the radiologist")
    film_back: HoursQ = Field(description="on film: until it comes back for reporting, mean, exponential")
    views: Count = Field(description="mean later views of the images, within 30 days")
    view_trust: Share = Field(description="first views from another site of the same trust")
    view_cluster: Share = Field(description="first views from another trust of the cluster")
    view_country: Share = Field(description="first views from another cluster")


class Archive(Strict):
    """A supplier's archive, centrally and on site, as a queueing station (an assumed profile)."""

    name: str
    ingest_servers: Count
    ingest_overhead: Millis = Field(description="per object")
    ingest_rate: MByteS = Field(description="of one server")
    retrieve_servers: Count
    retrieve_first: Seconds = Field(description="media latency before the first object of a study")
    retrieve_overhead: Millis
    retrieve_rate: MByteS
    site_servers: Count = Field(description="associations that a site's store takes at once")
    site_overhead: Millis
    cache: Months = Field(description="images younger than this are still on site")
    copies: Count = Field(description="copies held centrally")
    compress: bool = Field(description="lossless on the WAN and in the store")


class Network(Strict):
    """Links. The WAN rate of each site is in the sites table."""

    lan: MbitS
    desk: MbitS = Field(description="to a reading or viewing desk")
    usable: Share = Field(description="of a link's rate, after protocol overhead")
    interactive: Share = Field(description="of a WAN link kept for retrieval; the rest is for bulk storing")


class Reading(Strict):
    """The readers of a trust and what follows the reading."""

    utilisation: Share = Field(description="readers are so many that reading hours are used to this share")
    hours: Hours
    emergency_hours: Hours
    typing: HoursQ = Field(description="dictation, typing and signing of a routine report, mean, lognormal")
    typing_cv: Ratio
    typing_emergency: HoursQ


class Film(Strict):
    """The film pathway: processing, packets, library, porters, couriers, losses."""

    process: Minutes = Field(description="of one sheet")
    processor_utilisation: Share
    pull: Minutes = Field(description="a clerk finds and pulls one packet")
    clerk_utilisation: Share
    library_hours: Hours
    porter: Minutes = Field(description="department to reader or ward, mean, exponential")
    courier: HoursQ = Field(description="site to site, mean, exponential")
    lost: Share = Field(description="packets not found when asked for")
    chase: HoursQ = Field(description="until a missing packet turns up, mean, exponential")
    residual_print: Share = Field(description="exams still printed once PACS is live")
    filing: Minutes = Field(description="sort, label and file one packet")
    porter_time: Minutes = Field(description="porter's work on one packet")
    developer: Millilitres = Field(description="a sheet")
    fixer: Millilitres = Field(description="a sheet")


class Prices(Strict):
    """Prices in the scenario's currency and price base."""

    sheet: Money
    chemicals: Money = Field(description="a sheet")
    packet: Money
    clerk: MoneyHour
    porter: MoneyHour
    courier: Money = Field(description="a packet")
    processor: MoneyYear = Field(description="maintenance of one processor")
    library_staff: FtePer100k
    library_released: Share = Field(description="of library posts that can be withdrawn, whole posts only")
    clerk_year: MoneyYear = Field(description="employer's cost of a post")


class Demand(Strict):
    """What holds for all modalities."""

    prior_same_site: Share = Field(description="priors made at the same site")
    prior_other_cluster: Share | None = Field(default=None, description="priors made in another cluster; none left out")
    lookup: Seconds | None = Field(
        default=None, description="record lookup by NHS number, until it is known where a prior of another cluster is"
    )


class Scenario(MoneySide):
    """A whole scenario; `sim.world.load.load_world` reads one."""

    title: str
    description: str
    country: str
    currency: Annotated[str, Field(pattern=f"^{CURRENCY}$")] = Field(
        default="GBP", description="code of three capital letters; every price is in it"
    )
    price_base: int = Field(ge=1990, le=2100, description="year whose prices are used")
    seed: int = Field(ge=0, le=2**31 - 1)
    plan: Plan
    tables: Tables
    clusters_used: list[str] = Field(default=[], description="only these clusters; empty for all")
    clusters: dict[str, Cluster] = Field(min_length=1)
    archives: dict[str, Archive] = Field(min_length=1)
    modalities: dict[ModalityCode, Modality] = Field(min_length=1)
    settings: dict[SettingCode, Setting] = Field(min_length=1)
    demand: Demand
    network: Network
    reading: Reading
    film: Film
    prices: Prices
    rollout: Rollout | None = Field(default=None, description="how fast trusts go live (`filmless rollout`)")
    faults: dict[str, Fault] = Field(default={}, description="what goes wrong at a stated time")
    breakdowns: dict[str, Breakdown] = Field(default={}, description="what goes wrong at random")
    golive_destroyed: dict[str, Destroyed] = Field(default={}, description="equipment lost before its first use")
    sizing: Sizing | None = Field(default=None, description="what `filmless size` may choose from, with prices")
