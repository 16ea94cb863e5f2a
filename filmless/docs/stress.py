"""docs/stress-des.md: the 24 answers of STRESS-DES (Monks et al. 2019) and the 18 questions of reviewers."""

from collections.abc import Callable

from filmless.docs import facts
from filmless.docs.markdown import AUTO, HAND, table
from filmless.docs.stations import DELAYS, MEASURE_FORMULAS, STATION_WORDS, distribution
from filmless.docs.words import HAND as WORDS
from filmless.docs.words import QUESTIONS
from sim.runs.spec import COOL_DOWN_DAYS, WARM_UP_DAYS
from sim.world.draw import STREAMS
from sim.world.quantity import Sourced

SERVICE = ("Level of a mean: Student t over replications. Percentile over exams: sectioning, 10 groups of "
           "replications (by number modulo 10). "
           "Mean of daily percentiles: Student t over replications. Differences of designs: paired t, or sectioning "
           "of the "
           "pooled difference, on common random numbers. All are computed after the run from tallies of the measured "
           "period.")  # fmt: skip


def _outputs() -> str:
    rows = [(name, words, MEASURE_FORMULAS[name]) for name, words in facts.measures().items()]
    from sim.answers.outcomes import OUTCOMES

    ids = [(o.id, o.title, o.unit) for o in OUTCOMES]
    return "\n\n".join((
        table(("measure", "words", "formula, of one exam"), rows), SERVICE,
        f"Counts by site and month: {', '.join(facts.flows())}.",
        "Outcomes by id (`filmless outcomes`):", table(("id", "words", "unit"), ids),
    ))  # fmt: skip


def _diagram() -> str:
    """The stations as a flow; film below, PACS above."""
    return """```
request -> room -+-> store ------> reading -> typing -> reported        (PACS)
                 |     +-> wan_up -> ingest                              stored at the cluster
                 |     priors: site store, or retrieve -> wan_down -> reading
                 +-> processor -> [first view] -> porter -> reading -> typing -> reported   (film)
                       priors: library -> porter, courier -> reading
first view: PACS at the desk, or retrieve -> wan_down elsewhere; film by porter or courier
```"""


def _entities() -> str:
    return table(("attribute", "unit", "words"), [(c.name, c.unit, c.words) for c in facts.columns()])


def _activities() -> str:
    rows = [(name, w.activity, w.comes_from, w.goes_to) for name, w in STATION_WORDS.items()]
    delays = [(name, words, "a delay without a queue", law) for name, words, law in DELAYS]
    return table(("station", "activity", "comes from", "goes to (for delays: law)"), [*rows, *delays])


def _resources() -> str:
    return table(("resource of", "servers"), [(name, w.resource) for name, w in STATION_WORDS.items()])


def _queues() -> str:
    rows = [(name, w.discipline) for name, w in STATION_WORDS.items()]
    return table(("queue of", "discipline"), rows) + "\n\nNo balking, no reneging, no limit of length."


def _sources() -> str:
    used: dict[str, int] = {}
    for _, q in facts.inputs():
        used[q.source] = used.get(q.source, 0) + 1
    rows = [(r.id, r.source, r.address or "none kept", r.year or "not dated", used.get(r.id, 0))
            for r in facts.world().sources.values()]  # fmt: skip
    words = "Sample sizes and how far each was read stand in the notes of the sources table."
    return words + "\n\n" + table(("id", "source", "address", "date", "figures of the scenario that use it"), rows)


def _prepared() -> str:
    def why(q: Sourced) -> str:
        known = facts.world().sources.get(q.source)
        return q.note or (known.note if known else "") or "arithmetic on the source named"

    rows = [(key, q.source, why(q)) for key, q in facts.inputs() if q.status == "derived"]
    counts = [(name, c.get("derived", 0), sum(c.values())) for name, c in facts.rows_by_status().items()]
    return "\n\n".join((
        table(("figure", "from", "formula or judgement"), rows),
        "Rows of the tables that are derived (each row names its source):",
        table(("table", "derived rows", "all rows"), counts),
    ))  # fmt: skip


def _inputs() -> str:
    rows = []
    for key, q in facts.inputs():
        value, ends, kind = facts.value_of(q)
        rows.append((key, value, ends, distribution(key, kind), q.status))
    words = ("Time dependence: by hour, weekday, month (profiles) and year (volumes, growth). Correlation: sheets "
             "share the "
             "images' normal score; prices that move together are in `correlations`. Base and experiment differ in "
             "what a "
             "run's manifest lists. Why these laws: lognormal for times and sizes with a long right tail, "
             "exponential for "
             "delays of which only a mean is known.")  # fmt: skip
    return words + "\n\n" + table(("input", "value", "range", "enters as", "status"), rows)


def _assumptions() -> str:
    keys = facts.assumed()
    counts = [(name, sum(n for s, n in c.items() if s.startswith(("assumed", "from-memory")))) for name, c
              in facts.rows_by_status().items()]  # fmt: skip
    return "\n\n".join((
        f"{len(keys)} figures of the scenario are assumptions (status assumed or from memory). Each run's report "
        f"writes "
        "them to a log with range, reliability and effect.", ", ".join(f"`{k}`" for k in keys),
        table(("table", "assumed rows"), counts),
    ))  # fmt: skip


def _initial() -> str:
    return (f"Terminating and dated. {WARM_UP_DAYS} days of warm-up before the first measured day, empty at their "
            f"start; "
            f"{COOL_DOWN_DAYS} days of arrivals after the last, so that the last exams meet company. A PACS starts "
            f"without "
            "images; the film library holds every earlier exam.")  # fmt: skip


def _length() -> str:
    plan = facts.world().scenario.plan
    return f"Any whole days of the plan, {plan.start} to {plan.end}; `filmless simulate --from --to`. Unit: day."


def _estimation() -> str:
    return ("Independent replications, 10 unless told otherwise; fewer than 3 give no interval. Each report states the "
            "number reached and the interval that came of it.")  # fmt: skip


def _software() -> str:
    named = ("simpy", "numpy", "numba", "scipy", "pandas", "pyarrow", "pydantic", "distributed", "locust", "pydicom",
             "pynetdicom", "matplotlib", "SALib", "xlsxwriter")  # fmt: skip
    found = {k.lower(): v for k, v in facts.versions().items()}
    rows = [(name, found.get(name.lower(), "not pinned")) for name in named]
    return "Python 3.11 or later. Each run's manifest holds the versions it ran with.\n\n" + table(
        ("library", "version"), rows
    )


def _sampling() -> str:
    return WORDS["5.2"] + f"\n\nStreams: {', '.join(f'`{s}`' for s in STREAMS)}."


def _system() -> str:
    return ("Run time and machine depend on the run: `wall_s` and `machine` (cores, system, Python, libraries) of "
            "its manifest, "
            "printed on the last page of each report. `make bench` measures speeds as ratios.")  # fmt: skip


def _by_hand(item: str) -> Callable[[], str]:
    return lambda: WORDS[item]


ITEMS: tuple[tuple[str, str, str, Callable[[], str]], ...] = (
    ("1.1", "Purpose", HAND, _by_hand("1.1")),
    ("1.2", "Outputs", AUTO, _outputs),
    ("1.3", "Aims of experiments", HAND, _by_hand("1.3")),
    ("2.1", "Base model diagram", AUTO, _diagram),
    ("2.2", "Base model logic", HAND, _by_hand("2.2")),
    ("2.3", "Scenario logic", HAND, _by_hand("2.3")),
    ("2.4", "Algorithms", HAND, _by_hand("2.4")),
    ("2.5.1", "Entities", AUTO, _entities),
    ("2.5.2", "Activities", AUTO, _activities),
    ("2.5.3", "Resources", AUTO, _resources),
    ("2.5.4", "Queues", AUTO, _queues),
    ("2.5.5", "Entry and exit", HAND, _by_hand("2.5.5")),
    ("3.1", "Data sources", AUTO, _sources),
    ("3.2", "Pre-processing", AUTO, _prepared),
    ("3.3", "Input parameters", AUTO, _inputs),
    ("3.4", "Assumptions", AUTO, _assumptions),
    ("4.1", "Initialisation", AUTO, _initial),
    ("4.2", "Run length", AUTO, _length),
    ("4.3", "Estimation", AUTO, _estimation),
    ("5.1", "Software", AUTO, _software),
    ("5.2", "Random sampling", AUTO, _sampling),
    ("5.3", "Execution", HAND, _by_hand("5.3")),
    ("5.4", "System", AUTO, _system),
    ("6.1", "Access", HAND, _by_hand("6.1")),
)


def stress_des() -> str:
    """The whole document."""
    head = ("# STRESS-DES: what the simulation is, item by item\n\n"
            "Monks, Currie, Onggo, Robinson, Kunc, Taylor, J. Simulation 2019;13:55-67. Of "
            f"`{facts.world().path.name}`. Written by `python -m filmless.docs`; do not edit.")  # fmt: skip
    parts = [f"## {number} {title}\n\n{mark}\n\n{answer()}" for number, title, mark, answer in ITEMS]
    asked = table(("question", "answer"), QUESTIONS)
    tail = f"## Questions of reviewers of health models\n\nDrawn from ISPOR-SDM (Zhang et al. 2020). {HAND}\n\n{asked}"
    return "\n\n".join([head, *parts, tail]) + "\n"
