"""Stalls: periods in which nothing was completed while something was held; and every figure with and without them.

A client that waits for its answer hides a stall: it sends nothing meanwhile, and all that it sends later is quick. Slow
operations are no stall: what was under way must have been expected to end, by what its kind usually takes.
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
KNOWN = 3  # good operations of a kind, from which what it usually takes is known
SEVERAL = 3  # operations under way of which none ended
COLD = 5  # good operations of a cluster, before which a stall is its cold start


@dataclass(frozen=True)
class Stall:
    """In seconds of the play; `hit` operations were due in it, or waited behind it until `clear_s`.

    `cold`: the archive had hardly answered anything yet.
    """

    cluster: str
    from_s: float
    to_s: float
    clear_s: float
    hit: int
    cold: bool = False

    @property
    def lasted_s(self) -> float:
        """Its length."""
        return self.to_s - self.from_s


def find_stalls(played: pd.DataFrame, objects: pd.DataFrame | None = None) -> list[Stall]:
    """Stalls of each cluster, longest first; `objects` (single stored images) count as completions too."""
    found = [stall for cluster, part in played.groupby("cluster", sort=False)
             for stall in _of(str(cluster), part[part["outcome"] != "dropped"], objects)]  # fmt: skip
    return sorted(found, key=lambda one: one.from_s - one.to_s)


def _of(cluster: str, sent: pd.DataFrame, objects: pd.DataFrame | None) -> list[Stall]:
    if sent.empty:
        return []
    done = _completions(cluster, sent, objects)
    begun, ended = sent["due_s"].to_numpy(dtype=np.float64), sent["end_s"].to_numpy(dtype=np.float64)
    ok = (sent["outcome"] == "ok").to_numpy()
    answer = (sent["first_byte_s"] - sent["start_s"])[ok].dropna()
    least = max(LEAST_S, TIMES_USUAL * float(answer.median()) if len(answer) else 0.0)
    usual, good = _usual(sent), ended[ok]
    edges = np.sort(np.append(done, ended.max()))  # what never ended well was held to the end
    return [_stall(cluster, a, b, begun, ended, int((good <= a).sum()) < COLD)
            for a, b in _gaps(edges, begun, ended)
            if b - a > least and _is_frozen(a, b, begun, ended, usual)]  # fmt: skip


def _completions(cluster: str, sent: pd.DataFrame, objects: pd.DataFrame | None) -> Floats:
    """When something good came of the archive: a quick refusal beside a freeze is no life."""
    good = sent[sent["outcome"] == "ok"]
    marks = [good[name].to_numpy(dtype=np.float64) for name in ("end_s", "first_byte_s", "first_object_s")]
    if objects is not None and len(objects):
        stored = objects["cluster"] == cluster
        stored &= (objects["outcome"] == "ok") if "outcome" in objects else True
        marks.append(objects.loc[stored, "end_s"].to_numpy(dtype=np.float64))
    done: Floats = np.concatenate(marks)
    return np.asarray(done[np.isfinite(done)], dtype=np.float64)


def _usual(sent: pd.DataFrame) -> Floats:
    """What each operation was expected to take: the lower quartile of its kind, more for more images; 0: not known."""
    good = sent[sent["outcome"] == "ok"]
    kinds = (good["end_s"] - good["due_s"]).groupby(good["operation"])
    usual = kinds.quantile(0.25).where(kinds.size() >= KNOWN)
    typical = sent.groupby("operation")["planned_objects"].transform("median").clip(lower=1)
    larger = (sent["planned_objects"] / typical).clip(lower=1.0)
    return np.asarray((sent["operation"].map(usual) * larger).fillna(0.0), dtype=np.float64)


def _is_frozen(a: float, b: float, begun: Floats, ended: Floats, usual: Floats) -> bool:
    """Three operations were held for over twice what they were expected to take, or one for over ten times.

    Held: most of its time passed within the gap. A slow answer beside quick ones passes through many gaps.
    """
    inside = np.minimum(ended, b) - np.maximum(begun, a)
    held = (inside > LEAST_S) & (inside >= (ended - begun) / 2)
    return bool((held & (inside > 2 * usual)).sum() >= SEVERAL or (held & (inside > TIMES_USUAL * usual)).any())


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


def _stall(cluster: str, a: float, b: float, begun: Floats, ended: Floats, cold: bool) -> Stall:
    waiting = (begun <= b) & (ended >= a)
    clear = float(ended[waiting].max()) if waiting.any() else b
    return Stall(cluster, a, b, clear, int(((begun <= clear) & (ended >= a)).sum()), cold)


def without(played: pd.DataFrame, stalls: Sequence[Stall]) -> pd.DataFrame:
    """The operations that no stall has touched: neither in it, nor behind it until it had cleared."""
    touched = np.zeros(len(played), dtype=bool)
    for one in stalls:
        touched |= ((played["cluster"] == one.cluster) & (played["due_s"] <= one.clear_s)
                    & (played["end_s"] >= one.from_s)).to_numpy()  # fmt: skip
    return played[~touched]


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
