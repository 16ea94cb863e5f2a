"""Theory beside a run: what queueing theory says of each station, and whether it may say so.

Utilisation law, Little's law, and the mean wait of M/G/k: Erlang-C (Erlang 1917) times (1 + cv^2)/2, which is exact for
one server (Pollaczek 1930, Khinchine 1932) and for exponential service, and the approximation of Lee and Longton (1959)
between. A link is processor sharing: a transfer's mean sojourn is its service over 1 - rho, whatever the law of its
size (Sakata, Noguchi, Oizumi 1969). Demand changes with the hour, so each hour of the run is taken as if it were steady
(pointwise stationary, Green and Kolesar 1991), weighted by its arrivals; that is said to hold only where no hour is
over `STEADY` busy and the queue forgets within an hour.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.runs.store import Run

Floats = NDArray[np.float64]
STEADY = 0.9  # utilisation of an hour above which it has no time to become steady
FEWEST = 200  # jobs below which nothing is compared
HOUR_S = 3600.0
CALENDARS = ("room", "library", "reading")  # opening hours and emergencies first: no formula of these holds


def erlang_c(servers: Floats, load: Floats) -> Floats:
    """Chance that an arrival waits in M/M/k at offered loads a < k Erlang, by the recursion of Erlang B; float64[n]."""
    wait = np.ones_like(load)
    for k in range(1, int(np.max(servers, initial=0)) + 1):
        wait = np.where(k <= servers, load * wait / (k + load * wait), wait)
    rho = load / servers
    found: Floats = wait / (1 - rho * (1 - wait))
    return np.where(rho < 1, found, 1.0)


def mean_wait(servers: Floats, rate: Floats, mean_s: float, cv2: float, sharing: bool) -> Floats:
    """Mean wait in seconds at arrival rates (per second); on a shared link what sharing adds; infinite from rho = 1."""
    load = rate * mean_s
    with np.errstate(divide="ignore"):
        if sharing:
            return np.where(load < 1, mean_s * load / (1 - load), np.inf)
        left = np.where(load < servers, servers - load, 0.0)
        return np.where(left > 0, erlang_c(servers, load) * mean_s / left * (1 + cv2) / 2, np.inf)


@dataclass(frozen=True)
class _Station:
    """One entity's figures of a run."""

    name: str
    servers: float  # of a link 1
    jobs: float
    mean_s: float
    cv2: float
    hours: Floats  # arrivals in each slot, a replication
    hours_pooled: Floats

    @property
    def rates(self) -> Floats:
        """Arrivals a second in each slot."""
        found: Floats = self.hours / self.hours_pooled / HOUR_S
        return found

    def why_not(self) -> str:
        """Why the formula does not hold; "" where it does."""
        if self.name in CALENDARS:
            return "opening hours, and emergencies first"
        if self.jobs < FEWEST:
            return f"fewer than {FEWEST} jobs"
        busiest = float((self.rates * self.mean_s / self.servers).max(initial=0.0))
        if busiest > STEADY:
            return f"busiest hour used to {busiest:.0%}"
        # relaxation of M/M/k (Morse 1955): 1 / (mu k (1 - sqrt(rho))^2)
        relax = self.mean_s / self.servers / (1 - np.sqrt(busiest)) ** 2 if busiest else 0.0
        return f"forgets in {relax / HOUR_S:.1f} h" if relax > HOUR_S else ""


def theory_table(run: Run) -> pd.DataFrame:
    """One row an entity of a station: world, cluster, station, entity, servers (of a link its bytes a second).

    jobs (a replication), arrivals_h (an hour), service_s and service_cv, utilisation (jobs x service over servers and
    hours), utilisation_law (measured busy time less that, relative), wait_s (simulated mean), queue (mean number
    waiting), little (queue less arrival rate x wait, relative), theory_wait_s (NaN where no formula holds), formula,
    and why not.
    """
    stations, hourly = run.table("stations"), run.table("hourly")
    keys = ["world", "cluster", "station", "entity"]
    slots = dict(iter(hourly.groupby(keys, sort=False)))
    days = (pd.Timestamp(run.manifest["end"]) - pd.Timestamp(run.manifest["start"])).days + 1
    rows = [_row(r, slots[tuple(str(r[k]) for k in keys)], days * 24 * HOUR_S) for r in stations.to_dict("records")]
    return pd.DataFrame(rows)


def _row(r: dict[Any, Any], slots: pd.DataFrame, period_s: float) -> dict[str, object]:
    n, jobs = float(r["replications"]), float(r["jobs"])
    total = {name: float(r[name]) for name in ("wait_s", "queue_s", "service_s", "service_squared_s2")}
    link = str(r["station"]).startswith("wan")
    servers = 1.0 if link else float(r["servers"])
    mean = total["service_s"] / jobs
    cv2 = max(0.0, total["service_squared_s2"] / jobs / mean**2 - 1) if mean else 0.0
    at = _Station(str(r["station"]), servers, jobs, mean, cv2, slots["arrivals"].to_numpy(float),
                  slots["hours_pooled"].to_numpy(float))  # fmt: skip
    why, wait = at.why_not(), total["wait_s"] / jobs
    waits = mean_wait(np.full(len(at.hours), servers), at.rates, mean, cv2, link)
    theory = float((waits * at.hours).sum() / at.hours.sum()) if not why else np.nan
    rate, queue = jobs / n / period_s, total["queue_s"] / n / period_s
    extra = wait + mean if link else wait  # on a link everybody under way is in the queue
    busy = float(slots["busy_s"].sum()) / period_s / servers
    use = rate * mean / servers
    return {
        **{k: r[k] for k in ("world", "cluster", "station", "entity", "servers")},
        "jobs": jobs / n, "arrivals_h": rate * HOUR_S, "service_s": mean, "service_cv": cv2**0.5, "utilisation": use,
        "utilisation_law": busy / use - 1 if use else 0.0, "wait_s": wait, "queue": queue,
        "little": queue / (rate * extra) - 1 if rate * extra > 0 else 0.0, "theory_wait_s": theory,
        "formula": "processor sharing" if link else "Pollaczek-Khinchine" if servers == 1 else "Erlang-C, (1+cv2)/2",
        "why_not": why,
    }  # fmt: skip
