"""What each station is: written by hand, one row a station of the engines; a test keeps the names together."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StationWords:
    """A station for readers: who comes from where and goes where, by which rule, and how many serve."""

    activity: str
    comes_from: str
    goes_to: str
    discipline: str
    resource: str


STATION_WORDS: dict[str, StationWords] = {
    "room": StationWords(
        "the exam is made in a room of its modality", "request", "store (PACS) or processor (film)",
        "emergencies first, non-pre-emptive; then order of request, ties by exam id; routine exams in opening hours",
        "rooms of a site and modality, sized to `room_utilisation` in the sizing year"),
    "store": StationWords(
        "images go to the site's own store", "room", "wan_up; the reader sees them from here", "first come, first "
                                                                                               "served",
        "associations of the site's store (`site_servers`)"),
    "wan_up": StationWords(
        "images go to the cluster", "store", "ingest", "processor sharing, bulk class",
        "the site's link up, less the interactive share"),
    "ingest": StationWords(
        "the cluster's archive stores the study", "wan_up", "leaves: stored at the cluster", "first come, first served",
        "ingest servers of the archive profile"),
    "retrieve": StationWords(
        "the archive sends an earlier exam or a view from elsewhere", "request (priors), first view elsewhere",
        "wan_down", "first come, first served", "retrieve servers of the archive profile"),
    "wan_down": StationWords(
        "that study comes down the link", "retrieve", "reading (priors) or first view", "processor sharing, "
                                                                                        "interactive class",
        "the site's link down, the interactive share"),
    "library": StationWords(
        "a clerk finds the earlier packet (film, or a prior made before go-live)", "request", "reading, after "
                                                                                              "porter and courier",
        "first come, first served, in library hours", "clerks of the reading site, sized to `clerk_utilisation`"),
    "processor": StationWords(
        "films are developed", "room", "first view (A&E, ward) or reading", "first come, first served",
        "film processors of the site, sized to `processor_utilisation`"),
    "reading": StationWords(
        "a radiologist reads; typing and signing follow as a delay", "image and prior are both there",
        "leaves: reported", "emergencies first, non-pre-emptive; then order of readiness; routine in reading hours",
        "readers of the trust, sized to `reading.utilisation`"),
}  # fmt: skip

DELAYS = (
    ("typing", "dictation, typing and signing", "reading.typing, reading.typing_emergency (lognormal)"),
    ("porter", "department to reader or ward", "film.porter (exponential)"),
    ("courier", "site to site", "film.courier (exponential)"),
    ("chase", "until a missing packet turns up", "film.chase (exponential), with probability film.lost"),
    ("back", "from the asking doctor back for reporting", "settings.*.film_back (exponential)"),
    ("view delay", "until the asking doctor wants to see it", "settings.*.view_delay (exponential)"),
)

MEASURE_FORMULAS: dict[str, str] = {
    "room_wait_s": "start in the room - request",
    "time_to_image_s": "image available to the reader - request",
    "stored_s": "end of the archive's ingest - end in the room",
    "exam_to_report_s": "report signed - end in the room",
    "turnaround_s": "report signed - request",
    "first_view_s": "first view by the asking doctor - end in the room",
    "prior_wait_s": "prior ready for the reader - request",
}

DISTRIBUTIONS: dict[str, str] = {
    "images": "lognormal, rounded so that the mean is kept, one at least", "room": "lognormal",
    "sheets": "lognormal with the images' normal score", "typing": "lognormal", "typing_emergency": "lognormal",
    "views": "Poisson", "porter": "exponential", "courier": "exponential", "chase": "exponential",
    "film_back": "exponential", "view_delay": "exponential", "lost": "Bernoulli", "prior": "Bernoulli",
    "emergency": "Bernoulli", "reject_film": "Bernoulli", "reject_digital": "Bernoulli", "residual_print": "Bernoulli",
    "prior_same_site": "categorical", "prior_other_cluster": "categorical", "view_trust": "categorical",
    "view_cluster": "categorical", "view_country": "categorical", "exams_share": "thinning of the Poisson arrivals",
}  # fmt: skip


def distribution(key: str, kind: str) -> str:
    """How an input enters: its distribution, or as a constant or profile."""
    name = key.rsplit(".", 1)[-1]
    if name == "read" and key.startswith("modalities."):
        return "lognormal"
    return DISTRIBUTIONS.get(name, kind) if kind == "constant" else kind
