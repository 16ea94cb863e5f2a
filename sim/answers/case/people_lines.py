"""What film and digital do to people's time and patients' journeys: levels, benefit positive.

Each is float64[year, draw]."""

import numpy as np
from numpy.typing import NDArray

from sim.answers.case.activity import Activity
from sim.answers.case.film_lines import repeats_of

Floats = NDArray[np.float64]


def missing(a: Activity, unit: str = "lost") -> Floats:
    """Films a year that are not there when wanted."""
    return a.scaled("film.lost") * a.on_film(unit)


def repeats(a: Activity) -> Floats:
    """Repeats a year, all modalities."""
    return sum((repeats_of(a, m) for m in a.mods), np.zeros(1))


def radiographer_time(a: Activity) -> Floats:
    """Handling of films and of images."""
    film, pacs = a.x["effects.radiographer_film"], a.x["effects.radiographer_pacs"]
    minutes = film * (a.on_film("exams") + a.parallel("exams")) + pacs * a.live("exams")
    return -a.x["costs.radiographer"] / 60 * minutes


def repeat_time(a: Activity) -> Floats:
    """Radiographers' time on repeats."""
    return -a.x["costs.radiographer"] * a.x["effects.repeat_time"] / 60 * repeats(a)


def doctor_time(a: Activity) -> Floats:
    """The asking doctor finds the film, or a free screen."""
    minutes = a.x["effects.doctor_film"] * a.on_film("views") + a.x["effects.doctor_pacs"] * a.live("views")
    return -a.x["costs.doctor"] / 60 * minutes


def radiologist_time(a: Activity) -> Floats:
    """Reading time."""
    hours = a.on_film("read_h") + (1 - a.x["effects.reading_gain"]) * a.live("read_h")
    return -a.x["costs.radiologist"] * hours


def missing_time(a: Activity) -> Floats:
    """Doctors without the image."""
    return -a.x["costs.doctor"] * a.x["effects.missing_minutes"] / 60 * missing(a)


def missing_exams(a: Activity) -> Floats:
    """Exams made again."""
    return -a.x["costs.exam"] * a.x["effects.missing_exam"] * missing(a)


def visits_again(a: Activity) -> Floats:
    """Visits a year repeated for want of images."""
    return a.x["effects.missing_visit"] * missing(a, "lost_op")


def missing_visits(a: Activity) -> Floats:
    """The clinic's side of it."""
    return -a.x["costs.visit"] * visits_again(a)


def missing_journeys(a: Activity) -> Floats:
    """The patient's side of it."""
    return -a.x["costs.journey"] * visits_again(a)


def unit_journeys(a: Activity) -> Floats:
    """Journeys a year from Minor Injuries Units to the main hospital because a film travels too."""
    return a.x["effects.miu_journey"] * a.on_film("exams_miu")


def miu_journeys(a: Activity) -> Floats:
    """The same in money."""
    return -a.x["costs.journey"] * unit_journeys(a)


def waiting_hours(a: Activity) -> Floats:
    """Hours a year that patients of A&E and Minor Injuries Units wait until their image can be seen, as simulated."""
    return a.on_film("wait_film") + a.live("wait_pacs")


def waiting(a: Activity) -> Floats:
    """The same in money."""
    return -a.x["costs.patient_hour"] * waiting_hours(a)


def length_of_stay(a: Activity) -> Floats:
    """Bed days spared by an earlier image: a switch, off by default."""
    return a.x["costs.bed_day"] * a.x["effects.bed_days"] * a.live("exams_ip")


def training_time(a: Activity) -> Floats:
    """Staff in training when their trust goes live."""
    people = (a.exams() * a.timeline.started).sum(axis=2) / 1e5 * a.x["effects.training_staff"]
    out: Floats = -a.x["costs.doctor"] * a.x["effects.training_hours"] * people
    return out


def golive_dip(a: Activity) -> Floats:
    """Reading and room time lost while all is new."""
    reading = a.x["costs.radiologist"] * a.in_state("read_h", "dip")
    rooms = a.x["costs.radiographer"] * a.in_state("room_h", "dip")
    return -a.x["effects.dip"] * (reading + rooms)


def cd_exchange(a: Activity) -> Floats:
    """Studies sent elsewhere on CD."""
    return -a.x["costs.cd"] * a.x["effects.cd_share"] * a.live("exams")


def downtime(a: Activity) -> Floats:
    """Doctors waiting while PACS is down."""
    return -a.x["costs.doctor"] * a.x["effects.downtime_minutes"] / 60 * a.x["effects.downtime"] * a.live("exams")
