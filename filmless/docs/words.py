"""Answers that a person wrote, by item of STRESS-DES, and the reviewers' questions."""

HAND: dict[str, str] = {
    "1.1": """A national programme announced in May 2004 that every acute trust of England would replace film by PACS
in three years. The model rehearses it: planners decide the size of cluster archives and links, vendors check claims
about their archive under the national busy hour, analysts report what was saved. Its user decides with it before
money is spent; it does not decide for anybody whether a real trust should buy a named product.""",
    "1.3": """A. `england-2004` is the plan as announced; `england-2004-as-happened` the dates as far as they were
published until August 2006; `smoke` a small one for tests. Each run holds up to three worlds of the same exams: film
everywhere, PACS everywhere, and the plan. B. Factors are any values of the scenario (`--set key=value`), measures
those of 1.2; designs are compared on common random numbers by `filmless compare`. C. Nothing is optimised by the
simulation itself.""",
    "2.2": """Every exam is one row whose draws are all made when the row is made. It waits for a room of its
modality, emergencies first. On PACS its images go to the site's store, where the reader sees them, and over the link
to the cluster's archive; on film they are developed, and in A&E and on wards the asking doctor sees them before the
radiologist. The reader needs the image and the earlier exam: the latter comes from the site's store, from the
cluster's archive when it is older than the store keeps, or from the film library when it was made before go-live.
Reading is followed by typing and signing. A share of packets is not found when asked for, and a share of images is
rejected and made again (one sheet, one dose; no time in the room, see the limits). See `sim/engines/jobs.py` (who
goes where with how much work), `sim/engines/process.py` (the readable engine), `sim/engines/fast.py` (the same
stations as column recursions).""",
    "2.3": """Film: no site is ever live. PACS: every site always is, and every prior is digital. Plan: each site
changes on its go-live day; priors made before that day are on film. Only the day differs, so that differences between
worlds are of logic alone.""",
    "2.4": """Arrivals: inversion of the day's cumulative expected number, one exponential step an arrival (Cinlar
1975). Sizing: enough servers that the opening hours are used to the stated share by the demand of the sizing year,
rounded up. Go-live within a trust: sites one after another over `plan.ramp`. Processor sharing: virtual time with a
heap of finish tags, the clock set back to 0 when the link is idle. Caching: by the age of the prior against the
store's months. Rollout pace: dates are inputs.""",
    "2.5.5": """The boundary is the imaging service: requests come from a non-homogeneous Poisson process by site,
modality, setting and hour; exams leave when reported, stored and viewed. No balking or reneging. What patients do
before the request and after the report is outside.""",
    "5.2": """Philox 4x32-10, keyed by a hash of (seed, replication, stream name, cluster, site), with (exam of the
day, day) as counter. A uniform is the middle of one of 2^32 cells, so that none is 0 or 1; logarithm, exponential and
normal score (AS 241) are computed in plain arithmetic, the same on every machine. The same exam has the same draws in
every world and scenario variant: common random numbers by construction. Streams are named for the
decision that they make.""",
    "5.3": """Two engines with one answer: SimPy (process interaction, a process an exam) and compiled column
recursions, equal exam by exam to 1 microsecond. Ties go by readiness, then exam id. Units of (cluster, replication)
run on all cores; the answer does not depend on how many there are.""",
    "6.1": """Apache-2.0; the repository holds model, scenarios and tests; CITATION.cff says how to cite, each run
folder holds the resolved scenario with its hash and the program's version. No DOI has been assigned.""",
}

QUESTIONS: tuple[tuple[str, str], ...] = (
    ("decision problem", "whether, in which order and at which size to replace film by PACS; see 1.1"),
    ("setting", "acute hospitals and Minor Injuries Units of England, five clusters, 2004 on"),
    ("time horizon", "the plan's dates for the service; `appraisal.years` for the money, with its range"),
    ("perspective", "public sector (cash), trusts (time), and society (journeys, dose), in separate classes"),
    ("comparators", "film everywhere; the world without the programme, in which trusts buy for themselves; the plan"),
    ("population", "all exams of eight modalities and five settings; patients are opaque keys"),
    ("structure", "feed-forward stations, all seven days; feedback only where an engine says so; see 2.2"),
    ("data sources", "3.1; most inputs are assumptions, and are listed as such in 3.4"),
    ("parameter uncertainty", "ranges of every assumption; Monte Carlo and tornado in the money model"),
    ("structural uncertainty", "not in any interval; the two engines share the structure"),
    ("heterogeneity", "by cluster, trust, site, modality, setting; rural units apart"),
    ("face validity", "judged by nobody outside so far"),
    ("verification", "queueing theory, two engines exam by exam, property tests, hand-computed cases"),
    ("cross validation", "not done: no other open model of the question was found"),
    ("external validation", "volumes, dose a head and film-era report times lie near the published figures; times were "
                            "partly chosen so (reading.typing), which its note says"),
    ("predictive validation", "outcomes after August 2006 were held back; `filmless outcomes` puts the predictions on "
                              "record before they are looked at"),
    ("generalisability", "another country is another scenario file; archive profiles are assumed and say nothing of "
                         "products"),
    ("stakeholders, funding, limitations", "no stakeholder took part and nobody funded it; limits: stand-in hospitals, "
                                           "assumed archives, a repeat takes no room time, bank holidays are "
                                           "ordinary days"),
)  # fmt: skip
