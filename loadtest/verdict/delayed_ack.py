"""TCP's own stall: an answer in two small writes, the second held back until the first is acknowledged.

DCMTK and what is built on it leave Nagle's algorithm on and answer a C-STORE in two writes; a client that delays its
acknowledgements, as a modality does, then waits 40 ms (Linux) or 200 ms (others) for every object, whatever its size
and the archive. It shows between the first and the last byte of the answer, which is too short to take any time: an
archive that works for 40 ms does so before the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

BANDS_S = ((0.038, 0.050), (0.195, 0.215))
PAUSE_S = 0.010  # shorter pauses within an answer are not looked at
FEWEST = 20  # objects that it took, of a cluster or of a size
LEAST_SHARE = 0.05  # of a cluster's stored objects
ADVICE = "play with `--tcp tuned`, or set TCP_NODELAY=1 at the archive"


@dataclass(frozen=True)
class Pause:
    """Of one cluster: `hit` of `n` stored objects waited `at_s` within their answer, at `shown` of `sizes` sizes."""

    cluster: str
    at_s: float
    hit: int
    n: int
    shown: int
    sizes: int


def find_pauses(objects: pd.DataFrame) -> list[Pause]:
    """The clusters whose answers came in two pieces so far apart, by the table of objects."""
    stored = _stored(objects)
    if stored.empty:
        return []
    found = [_of(str(cluster), part, band) for cluster, part in stored.groupby("cluster") for band in BANDS_S]
    return [one for one in found if one]


def _stored(objects: pd.DataFrame) -> pd.DataFrame:
    if objects.empty:
        return objects
    stored = objects[(objects["kind"] == "store") & (objects["outcome"] == "ok")]
    return stored.assign(pause_s=stored["end_s"] - stored["first_byte_s"])


def _of(cluster: str, stored: pd.DataFrame, band: tuple[float, float]) -> Pause | None:
    """A spike: at least half of all pauses lie in the band, and they are no rarity."""
    inside, pauses = stored["pause_s"].between(*band), int((stored["pause_s"] > PAUSE_S).sum())
    hit = int(inside.sum())
    if hit < max(FEWEST, LEAST_SHARE * len(stored)) or hit < pauses / 2:
        return None
    size = np.floor(np.log2(stored["bytes"].clip(lower=1)))
    common = size.groupby(size).transform("size") >= FEWEST
    shown = inside[common].groupby(size[common]).sum() >= FEWEST
    return Pause(cluster, float(stored["pause_s"][inside].median()), hit, len(stored), int(shown.sum()), len(shown))


def without_pauses(played: pd.DataFrame, objects: pd.DataFrame, pauses: Sequence[Pause]) -> pd.DataFrame:
    """The operations with `response_s` less the pauses of their own objects; what waited behind others stays."""
    stored, clusters = _stored(objects), [one.cluster for one in pauses]
    waited = np.logical_or.reduce([stored["pause_s"].between(*band) for band in BANDS_S])
    lost = stored[waited & stored["cluster"].isin(clusters)].groupby(["cluster", "op"])["pause_s"].sum()
    keys = pd.MultiIndex.from_frame(played[["cluster", "op"]])
    return played.assign(response_s=played["response_s"] - lost.reindex(keys).fillna(0.0).to_numpy())


def in_words(one: Pause, played: pd.DataFrame, without: pd.DataFrame) -> str:
    """What was seen, how sure that is, the figure with and without it, and what to do."""
    p95, rest = (_p95(one.cluster, some) for some in (played, without))
    if one.sizes < 2:
        sizes = "sizes do not differ, so that only the two pieces tell it from a slow archive"
    else:
        sizes = f"the same at {one.shown} of {one.sizes} sizes"
    return (f"{one.cluster}: {one.hit} of {one.n} stored objects were answered in two pieces about "
            f"{1000 * one.at_s:.0f} ms apart ({sizes}): that looks like TCP's delayed acknowledgement against Nagle's "
            f"algorithm, not like the archive's work; p95 of store's response is {p95:.3g} s with it and {rest:.3g} s "
            f"without: {ADVICE}")  # fmt: skip


def _p95(cluster: str, played: pd.DataFrame) -> float:
    stores = played[(played["cluster"] == cluster) & (played["operation"] == "store") & (played["outcome"] == "ok")]
    return float(stores["response_s"].quantile(0.95, "higher")) if len(stores) else float("nan")
