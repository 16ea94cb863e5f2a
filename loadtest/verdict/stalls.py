"""Stalls: periods in which nothing was completed while something was held; and every figure with and without them.

A client that waits for its answer hides a stall: it sends nothing meanwhile, and all that it sends later is quick. Slow
operations are no stall: what was under way must have been expected to end, by what its kind usually takes. Where too
few of a kind ended well to know that, one that ended well says nothing, however long it took.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from loadtest.verdict.records import RETRIEVING

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


@dataclass(frozen=True)
class _Waiting:
    """Each operation, seconds of the play: when it was due, until when it waited, and what its kind usually takes.

    `usual` is NaN where that is not known. A retrieve of such a kind waits until its first answer: its images come
    without a mark, and many of them take long. `mute`: it was never answered.
    """

    begun: Floats
    until: Floats
    usual: Floats
    mute: NDArray[np.bool_]


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
    good, waiting = ended[ok], _waiting(sent)
    edges = np.sort(np.append(done, ended.max()))  # what never ended well was held to the end
    return [_stall(cluster, a, b, begun, ended, int((good <= a).sum()) < COLD)
            for a, b in _gaps(edges, begun, ended)
            if b - a > least and _is_frozen(a, b, waiting)]  # fmt: skip


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


def _waiting(sent: pd.DataFrame) -> _Waiting:
    usual, ended = _usual(sent), sent["end_s"].to_numpy(dtype=np.float64)
    first, outcome = sent["first_byte_s"].to_numpy(dtype=np.float64), sent["outcome"]
    mute = (outcome == "unknown").to_numpy() | (np.isnan(first) & (outcome != "refused").to_numpy())
    arriving = np.isnan(usual) & sent["operation"].isin(RETRIEVING).to_numpy() & ~mute
    until = np.where(arriving, np.fmin(first, ended), ended)
    return _Waiting(sent["due_s"].to_numpy(dtype=np.float64), until, usual, mute)


def _usual(sent: pd.DataFrame) -> Floats:
    """What each operation was expected to take: the lower quartile of its kind, more for more images; NaN: unknown."""
    good = sent[sent["outcome"] == "ok"]
    kinds = (good["end_s"] - good["due_s"]).groupby(good["operation"])
    usual = kinds.quantile(0.25).where(kinds.size() >= KNOWN)
    typical = sent.groupby("operation")["planned_objects"].transform("median").clip(lower=1)
    larger = (sent["planned_objects"] / typical).clip(lower=1.0)
    return np.asarray(sent["operation"].map(usual) * larger, dtype=np.float64)


def _is_frozen(a: float, b: float, of: _Waiting) -> bool:
    """Three operations were held for over twice what they were expected to take, or one for over ten times.

    Held: most of its time passed within the gap. A slow answer beside quick ones passes through many gaps. Of a kind
    that is not known, three count however long they were held, and one alone only if it was never answered.
    """
    inside = np.minimum(of.until, b) - np.maximum(of.begun, a)
    held = (inside > LEAST_S) & (inside >= (of.until - of.begun) / 2)
    unknown = np.isnan(of.usual)
    several = held & (unknown | (inside > 2 * of.usual))
    alone = held & ((unknown & of.mute) | (inside > TIMES_USUAL * of.usual))
    return bool(several.sum() >= SEVERAL or alone.any())


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
