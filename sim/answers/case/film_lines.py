"""What film costs, by line: levels of spending, benefit positive (so spending is below 0). float64[year, draw] each."""

import numpy as np
from numpy.typing import NDArray

from sim.answers.case.activity import Activity, clerk_hours, whole_posts

Floats = NDArray[np.float64]
LASER = ("CT", "MR", "US", "NM")  # printed by laser cameras, in part dry


def sheets_of(a: Activity, m: str) -> Floats:
    """Sheets a year of a modality, without those that a repeat spoils (N5)."""
    each = a.scaled(f"modalities.{m}.sheets")
    return each * (a.on_film(f"sheets:{m}") + a.in_state(f"sheets:{m}", "printed"))


def digital_repeats(a: Activity, m: str, kind: str) -> Floats:
    """Repeats of digital exams: exposure errors fall, positioning errors do not (A7), whatever a reject rate says."""
    counted = a.scaled(f"modalities.{m}.reject_digital") * a.in_state(f"repeats_pacs:{m}", kind)
    as_before = a.scaled(f"modalities.{m}.reject_film") * a.in_state(f"repeats_film:{m}", kind)
    return np.maximum(counted, (1 - a.x["effects.exposure_share"]) * as_before)


def film_repeats(a: Activity, m: str) -> Floats:
    """Repeats of exams on film."""
    return a.scaled(f"modalities.{m}.reject_film") * a.on_film(f"repeats_film:{m}")


def repeats_of(a: Activity, m: str) -> Floats:
    """Repeats a year of a modality, film and digital."""
    return film_repeats(a, m) + digital_repeats(a, m, "live")


def spoilt_of(a: Activity, m: str) -> Floats:
    """Sheets a year that repeats spoil: one each, where the exam is on film or printed."""
    return film_repeats(a, m) + digital_repeats(a, m, "printed")


def wet_sheets(a: Activity) -> Floats:
    """Sheets a year that need developer and fixer."""
    total: Floats = np.zeros(1)
    for m in a.mods:
        part = a.x["effects.laser_wet"] if m in LASER else 1.0
        total = total + part * (sheets_of(a, m) + spoilt_of(a, m))
    return total


def all_sheets(a: Activity) -> Floats:
    """Sheets a year, spoilt ones too."""
    return sum((sheets_of(a, m) + spoilt_of(a, m) for m in a.mods), np.zeros(1))


def film_price(a: Activity) -> Floats:
    """Real price of a sheet in each year: film follows silver and oil (G3)."""
    year = np.arange(len(a.size), dtype=np.float64)[:, None]
    price: Floats = a.x["prices.sheet"] * (1 + a.x["costs.film_drift"]) ** year
    return price


def film(a: Activity) -> Floats:
    """Film of good exams."""
    return -film_price(a) * sum((sheets_of(a, m) for m in a.mods), np.zeros(1))


def repeat_film(a: Activity) -> Floats:
    """Film that repeats spoil."""
    return -film_price(a) * sum((spoilt_of(a, m) for m in a.mods), np.zeros(1))


def chemicals(a: Activity) -> Floats:
    """Developer and fixer."""
    return -a.x["prices.chemicals"] * wet_sheets(a)


def packets(a: Activity) -> Floats:
    """Packets, while films are kept."""
    return -a.x["prices.packet"] * (a.on_film("packets") + a.parallel("packets"))


def copies(a: Activity) -> Floats:
    """Films copied to be sent elsewhere, where the original must stay; digital studies go on CD (`cd_exchange`)."""
    return -a.x["costs.film_copy"] * a.x["effects.copy_share"] * a.on_film("exams")


def couriers(a: Activity) -> Floats:
    """Film between sites."""
    return -a.x["prices.courier"] * (a.on_film("courier_film") + a.live("courier_pacs"))


def upkeep(a: Activity) -> Floats:
    """Maintenance of processors, until the contract ends."""
    by_trust = np.bincount(a.place.trust, a.place.processors, len(a.place.trusts))
    under = by_trust.sum() - (by_trust * a.timeline.contracts_ended).sum(axis=2)
    out: Floats = -a.x["prices.processor"] * under
    return out


def library_posts(a: Activity) -> Floats:
    """The film library's payroll."""
    staff = a.x["prices.library_staff"] * a.all("exams") / 1e5
    out: Floats = -a.x["prices.clerk_year"] * (staff - whole_posts(a).sum(axis=2))
    return out


def space(a: Activity) -> Floats:
    """Rooms of the film library."""
    exams = a.exams()
    used = (exams * (1 - a.timeline.space_free)).sum(axis=2)
    out: Floats = -a.x["costs.space"] * a.x["effects.space_area"] / 1e5 * used
    return out


def library_time(a: Activity) -> Floats:
    """Clerks' pulling, filing and chasing."""
    return -a.x["prices.clerk"] * clerk_hours(a)


def porter_time(a: Activity) -> Floats:
    """Porters' trips with films."""
    trips = a.on_film("porter_film") + a.live("porter_pacs") + a.parallel("porter_film")
    return -a.x["prices.porter"] * a.x["film.porter_time"] / 60 * trips


def silver(a: Activity) -> Floats:
    """Income from silver: lost as film goes (a dis-benefit)."""
    grams = a.x["effects.sheet_area"] * a.x["effects.silver_area"] * a.x["effects.silver_recovered"]
    return a.x["costs.silver"] * grams * all_sheets(a)
