"""Stalls: periods in which nothing was completed while something was due; and every figure with and without them.

A client that waits for its answer hides a stall: it sends nothing meanwhile, and all that it sends later is quick.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEAST_S = 0.25  # shorter ones are lost among single slow answers
TIMES_USUAL = 10.0  # of the median time between begin and first answer
BY_DESIGN_S = (0.04, 0.2)  # delayed acknowledgement of the client's kernel, and of others (findings: Nagle)


@dataclass(frozen=True)
class Stall:
    """In seconds of the play; `hit` operations were due in it, or waited behind it until `clear_s`."""

    cluster: str
    from_s: float
    to_s: float
    clear_s: float
    hit: int

    @property
    def lasted_s(self) -> float:
        """Its length."""
        return self.to_s - self.from_s


def find_stalls(played: pd.DataFrame, objects: pd.DataFrame | None = None) -> list[Stall]:
    """Stalls of each cluster, longest first; `objects` (single stored images) count as completions too."""
    found = [stall for cluster, part in played.groupby("cluster", sort=False)
             for stall in _of(str(cluster), part, objects)]  # fmt: skip
    return sorted(found, key=lambda one: one.from_s - one.to_s)


def _of(cluster: str, part: pd.DataFrame, objects: pd.DataFrame | None) -> list[Stall]:
    sent = part[part["outcome"] != "dropped"]
    if sent.empty:
        return []
    marks = [sent[name].to_numpy(dtype=np.float64) for name in ("end_s", "first_byte_s", "first_object_s")
             if name in sent]  # fmt: skip
    if objects is not None and len(objects):
        marks.append(objects.loc[objects["cluster"] == cluster, "end_s"].to_numpy(dtype=np.float64))
    done = np.sort(np.concatenate(marks))
    done = done[np.isfinite(done)]
    begun, ended = sent["due_s"].to_numpy(dtype=np.float64), sent["end_s"].to_numpy(dtype=np.float64)
    answer = (sent["first_byte_s"] - sent["start_s"]).dropna() if "first_byte_s" in sent else pd.Series(dtype=float)
    least = max(LEAST_S, TIMES_USUAL * float(answer.median()) if len(answer) else 0.0)
    return [_stall(cluster, a, b, begun, ended) for a, b in _gaps(done, begun, ended) if b - a > least]


def _gaps(done: Floats, begun: Floats, ended: Floats) -> list[tuple[float, float]]:
    """(last completion or first due time, next completion) around each moment at which something is outstanding."""
    edges = np.concatenate([[-np.inf], done])
    due, gaps = np.sort(begun), []
    for before, after in pairwise(edges):
        if after - before <= LEAST_S:
            continue
        outstanding = ((begun <= before) & (ended > before)).any()
        first = np.searchsorted(due, before, side="right")
        start = before if outstanding else (float(due[first]) if first < len(due) else after)
        gaps.append((float(start), float(after)))
    return gaps


def _stall(cluster: str, a: float, b: float, begun: Floats, ended: Floats) -> Stall:
    waiting = (begun <= b) & (ended >= a)
    clear = float(ended[waiting].max()) if waiting.any() else b
    return Stall(cluster, a, b, clear, int(((begun <= clear) & (ended >= a)).sum()))


def without(played: pd.DataFrame, stalls: Sequence[Stall]) -> pd.DataFrame:
    """The operations that no stall has touched: neither in it, nor behind it until it had cleared."""
    touched = np.zeros(len(played), dtype=bool)
    for one in stalls:
        touched |= ((played["cluster"] == one.cluster) & (played["due_s"] <= one.clear_s)
                    & (played["end_s"] >= one.from_s)).to_numpy()  # fmt: skip
    return played[~touched]


def by_design(played: pd.DataFrame) -> str:
    """A TCP stall was measured, if service times gather near 40 or 200 ms whatever the size; '' otherwise.

    DCMTK and what is built on it answer in two small writes with Nagle's algorithm on; the client's delayed
    acknowledgement holds the second one back.
    """
    found = played[(played["outcome"] == "ok") & (played["objects"] > 0)]
    each = (found["service_s"] / found["objects"]).to_numpy(dtype=np.float64)
    for at in BY_DESIGN_S:
        share = float(np.mean(np.abs(each - at) <= 0.1 * at)) if len(each) >= 20 else 0.0
        if share > 0.5:
            return (f"{100 * share:.0f} % of operations took about {1000 * at:.0f} ms an object: that is TCP's delayed "
                    "acknowledgement against Nagle's algorithm, not the archive's work")  # fmt: skip
    return ""


def split_of(played: pd.DataFrame) -> pd.DataFrame:
    """Mean seconds of each part of the response by cluster and operation, with n; the parts add up to response_s.

    waited: for the device's own association; lag: the generator's lateness; connect and negotiate: of an association
    opened for it; first_response: until the first answer came; transfer: from then to the end.
    """
    ok = played[(played["outcome"] == "ok") & played["first_byte_s"].notna()]
    opening = ok["connect_s"] + ok["negotiate_s"]
    parts = pd.DataFrame({
        "cluster": ok["cluster"], "operation": ok["operation"], "waited_s": ok["blocked_s"], "lag_s": ok["lag_s"],
        "connect_s": ok["connect_s"], "negotiate_s": ok["negotiate_s"],
        "first_response_s": ok["first_byte_s"] - ok["start_s"] - opening,
        "transfer_s": ok["end_s"] - ok["first_byte_s"], "response_s": ok["response_s"],
    })  # fmt: skip
    grouped = parts.groupby(["cluster", "operation"], sort=True)
    return grouped.mean().reset_index().assign(n=grouped.size().to_numpy())
