"""The money side of a scenario: how to appraise, what would have happened anyway, what things cost, who gains.

Every figure has its unit, source, status and range, as all of a scenario's. Prices are in the scenario's currency and
price base; a price of another year says so (`price_year`) and is refused by a rule that names both years.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from sim.world.quantity import (
    Count,
    FtePer100k,
    HoursQ,
    Limits,
    Minutes,
    Money,
    MoneyHour,
    MoneyYear,
    Months,
    Quantity,
    Ratio,
    Share,
    Strict,
)

_BIG = 1e15
Years = Annotated[Quantity, AfterValidator(Limits("year", 1, 125))]
Rate = Annotated[Quantity, AfterValidator(Limits("%/yr", 0, 100))]
Growth = Annotated[Quantity, AfterValidator(Limits("1/yr", 0, 10))]
Change = Annotated[Quantity, AfterValidator(Limits("share", -1, 1))]
MoneyTrust = Annotated[Quantity, AfterValidator(Limits("money/trust", 0, _BIG))]
MoneyTrustYear = Annotated[Quantity, AfterValidator(Limits("money/trust/yr", 0, _BIG))]
MoneyGB = Annotated[Quantity, AfterValidator(Limits("money/GB", 0, _BIG))]
MoneyArea = Annotated[Quantity, AfterValidator(Limits("money/m2/yr", 0, _BIG))]
MoneyGram = Annotated[Quantity, AfterValidator(Limits("money/g", 0, _BIG))]
Area = Annotated[Quantity, AfterValidator(Limits("m2", 0, _BIG))]
AreaPer100k = Annotated[Quantity, AfterValidator(Limits("m2/100k exams", 0, _BIG))]
Gsm = Annotated[Quantity, AfterValidator(Limits("g/m2", 0, _BIG))]
DaysExam = Annotated[Quantity, AfterValidator(Limits("day/exam", 0, _BIG))]


class Bias(Strict):
    """Bounds of optimism bias as a share of the estimate (Mott MacDonald 2002, table 2)."""

    upper: Ratio
    lower: Ratio


class Biases(Strict):
    """Optimism bias on cost, time and benefits: all start at the upper bound (G6)."""

    capital: Bias
    duration: Bias
    running: Bias = Field(description="outsourced services, on their yearly charge")
    benefits: Bias


class Cause(Strict):
    """A cause of optimism bias: its weight among all causes, and how far it is shown to be managed."""

    weight: Share
    managed: Share
    evidence: str = ""


class Discount(Strict):
    """Real discount rates (G4)."""

    rate: Rate = Field(description="years 0 to 30")
    rate_31: Rate = Field(description="years 31 to 75")
    rate_76: Rate = Field(description="years 76 to 125")


class Appraisal(Strict):
    """How costs and benefits are brought together."""

    guide: Literal["2003", "2026"] = Field(description="edition of the Green Book; it changes the presentation only")
    years: Years = Field(description="financial years appraised, the first is the one in which the plan starts")
    demand: Ratio = Field(description="exams a year over those of the scenario: the uncertainty of the volumes")
    discount: Discount
    bias: Biases
    causes: dict[str, Cause] = Field(min_length=1)


class Counterfactual(Strict):
    """The world without the programme: trusts go on buying PACS for themselves (G2, N2), on a logistic curve."""

    start_share: Share = Field(description="trusts with a PACS of their own when the plan starts")
    rate: Growth = Field(description="growth rate of the logistic curve")
    ceiling: Share = Field(description="share of trusts that the curve goes to")
    minimum: Share = Field(description="do minimum: share of exams in the largest trusts, which alone are helped")


class Costs(Strict):
    """What digital costs, and what people's and patients' time is worth; `prices` has the film side."""

    typical_trust: Count = Field(description="exams a year of the trust that costs a trust stand for")
    fixed: Share = Field(description="of a trust's cost, the part that does not grow with its exams")
    local_capital: MoneyTrust = Field(description="a PACS bought by a trust for itself")
    local_maintenance: Share = Field(description="of that capital, a year")
    trust_capital: MoneyTrust = Field(description="programme: displays, CR readers, cabling, links with other systems")
    team: MoneyTrust = Field(description="project team and trainers at go-live")
    displays: MoneyTrust = Field(description="replacement of displays and plates, each time")
    display_life: Years
    service_announced: MoneyTrustYear = Field(description="the provider's charge, contracts as first awarded")
    service_paid: MoneyTrustYear = Field(description="the provider's charge, contracts as signed later")
    store: MoneyTrustYear = Field(description="cluster data store")
    network: MoneyTrustYear
    miu_link: MoneyYear = Field(description="link of one Minor Injuries Unit")
    support: MoneyTrustYear = Field(description="a trust's own PACS manager and staff")
    office: MoneyYear = Field(description="national programme office until the last trust is live")
    migration: MoneyTrust = Field(description="moving the images at the end of the contract")
    storage: MoneyGB = Field(description="of a local archive, first year, bought as images come")
    storage_fall: Share = Field(description="fall of the storage price a year")
    local_copies: Count
    film_copy: Money = Field(description="the films of one exam copied, with the time")
    cd: Money = Field(description="one study sent on CD")
    space: MoneyArea = Field(description="film library")
    film_drift: Change = Field(description="yearly change of the real price of film: it follows silver and oil (G3)")
    silver: MoneyGram
    radiographer: MoneyHour
    radiologist: MoneyHour
    doctor: MoneyHour = Field(description="the asking doctor, all grades")
    visit: Money = Field(description="an outpatient visit that has to be repeated")
    journey: Money = Field(description="a patient's return journey, with the time")
    patient_hour: MoneyHour = Field(description="a patient's time, waiting")
    exam: Money = Field(description="an exam made again because the first cannot be found")
    bed_day: Money
    vat: Share = Field(description="for the financial case only; a transfer is no cost to the nation (G5)")


class Effects(Strict):
    """Minutes, shares and areas by which film and digital differ beyond what is simulated."""

    radiographer_film: Minutes = Field(description="an exam: carrying, processing, checking, sorting films")
    radiographer_pacs: Minutes = Field(description="an exam: checking and sending on screen")
    repeat_time: Minutes = Field(description="radiographer's time of one repeat")
    doctor_film: Minutes = Field(description="a view: finding and hanging the film")
    doctor_pacs: Minutes = Field(description="a view: finding a free screen, logging in")
    reading_gain: Change = Field(description="of reading time; below 0: reading on screen takes longer")
    search: Minutes = Field(description="clerk's time on a packet that is not found")
    missing_minutes: Minutes = Field(description="doctor's time lost when an image is missing")
    missing_visit: Share = Field(description="of missing images, those for which the patient comes again")
    missing_exam: Share = Field(description="of missing images, those made again")
    miu_journey: Share = Field(description="of exams in Minor Injuries Units: journeys made because a film travels")
    bed_days: DaysExam = Field(description="inpatient days spared by an earlier image")
    training_staff: FtePer100k = Field(description="people to be trained")
    training_hours: HoursQ = Field(description="each")
    dip: Share = Field(description="of reading and room time, lost after go-live")
    dip_months: Months
    print_first: Share = Field(description="exams still printed on the day of go-live")
    parallel: Months = Field(description="until only the residual share is printed")
    exposure_share: Share = Field(description="of rejects on film, those by wrong exposure: digital removes these only")
    laser_wet: Share = Field(description="of CT, MR, US and NM film, the part that needs chemicals")
    sheet_area: Area
    silver_area: Gsm
    silver_recovered: Share
    space_area: AreaPer100k = Field(description="film library floor")
    copy_share: Share = Field(description="exams on film that are copied to be sent elsewhere")
    cd_share: Share = Field(description="exams sent elsewhere on CD")
    downtime: Share = Field(description="exams that meet a PACS that is down")
    downtime_minutes: Minutes = Field(description="doctor's time lost by each")
    contract_lag: Months = Field(description="from the last film until upkeep and van contracts end")
    post_lag: Months = Field(description="until a post has gone")
    space_lag: Months = Field(description="until old films may be destroyed and the room is free")
    hours_post: HoursQ = Field(description="working hours of a post a year")


Kind = Literal["cash-releasing", "non-cash-releasing", "societal", "dis-benefit"]


class Benefit(Strict):
    """A row of the benefits register (A4); what it comes to is computed, never written here."""

    name: str
    kind: Kind
    counted: bool = Field(description="false: a switch; shown, and left out of every sum")
    owner: str
    beneficiary: str
    measure: str
    baseline: str = Field(description="value, date, source before go-live; empty: a claim, which is not counted (N1)")
    mechanism: str = Field(description="how the model makes it")
    unit: str
    value_per_unit: str = Field(description="keys of the prices used")
    dependency: str
    double_counting: str = Field(description="what was done so that nothing is counted twice")
    confidence: Literal["high", "medium", "low"]
    attribution: Share = Field(description="due to PACS, not to what changed at the same time (N3)")
    realisation: Share = Field(description="of what the mechanism promises, what is really got")
    cash: Share = Field(description="cash-releasing benefits: the part that leaves a budget; the rest is in kind")
    source_trusts: Count = Field(description="trusts that the evidence comes from (N8)")
    spread: Ratio = Field(description="between trusts, standard deviation over mean; 0: simulated")


class Benefits(Strict):
    """The register: one row for each thing that film or digital gives or takes."""

    film: Benefit
    repeat_film: Benefit
    chemicals: Benefit
    packets: Benefit
    copies: Benefit
    couriers: Benefit
    upkeep: Benefit
    library_posts: Benefit
    space: Benefit
    library_time: Benefit
    porter_time: Benefit
    radiographer_time: Benefit
    repeat_time: Benefit
    doctor_time: Benefit
    radiologist_time: Benefit
    missing_time: Benefit
    missing_exams: Benefit
    missing_visits: Benefit
    missing_journeys: Benefit
    miu_journeys: Benefit
    waiting: Benefit
    length_of_stay: Benefit
    silver: Benefit
    training_time: Benefit
    golive_dip: Benefit
    cd_exchange: Benefit
    downtime: Benefit

    def rows(self) -> Iterator[tuple[str, Benefit]]:
        """Rows with their ids, in order."""
        for code in type(self).model_fields:
            yield code, getattr(self, code)


class Correlation(Strict):
    """Inputs that go up and down together, through one common factor."""

    members: list[str] = Field(min_length=2, description="keys, such as prices.sheet")
    correlation: Share


class MoneySide(Strict):
    """The sections of a scenario that the business case reads."""

    appraisal: Appraisal
    counterfactual: Counterfactual
    costs: Costs
    effects: Effects
    benefits: Benefits
    correlations: dict[str, Correlation] = Field(default={}, description="groups of inputs")
