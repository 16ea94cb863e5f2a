"""Units of an exam, from a run's tallies: what each kind of exam moves in one world, and how long patients wait."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
COUNTED = ("sheets", "packets", "pulls", "porter_trips", "courier_trips", "lost", "repeats", "view_requests", "bytes")


def rates_of(flows: pd.DataFrame, which: str, replications: int, mods: list[str], sets: list[str]) -> dict[str, Floats]:
    """Units an exam in one world, float64[replication, modality, setting] each.

    A kind of exam that a replication lacks has the mean of all replications, or of its modality.
    """
    rows = flows[flows["world"] == which]
    where = (rows["replication"].to_numpy(), rows["modality"].map(mods.index).astype(np.int64).to_numpy(),
             rows["setting"].map(sets.index).astype(np.int64).to_numpy())  # fmt: skip

    def summed(column: str) -> Floats:
        out = np.zeros((replications, len(mods), len(sets)))
        np.add.at(out, where, rows[column].to_numpy(dtype=np.float64))
        return out

    exams = summed("exams")
    return {name: _rate(summed(name), exams) for name in COUNTED}


WAITING = ("ae", "miu")  # settings whose patients wait until the image can be seen


def waits_of(moments: pd.DataFrame, which: str, replications: int, mods: list[str], sets: list[str]) -> Floats:
    """Hours until the image can be seen, of an exam of a waiting setting: [replication, modality, setting].

    The mean of a modality and setting over all sites; where no exam was measured, of the modality.
    """
    rows = moments[(moments["world"] == which) & (moments["measure"] == "time_to_image_s")]
    rows = rows[rows["setting"].isin(WAITING)]
    where = (rows["replication"].to_numpy(), rows["modality"].map(mods.index).astype(np.int64).to_numpy(),
             rows["setting"].map(sets.index).astype(np.int64).to_numpy())  # fmt: skip
    n, hours = np.zeros((2, replications, len(mods), len(sets)))
    np.add.at(n, where, rows["n"].to_numpy(dtype=np.float64))
    np.add.at(hours, where, rows["sum_s"].to_numpy(dtype=np.float64) / 3600)
    out: Floats = _rate(hours, n) * np.array([float(s in WAITING) for s in sets])
    return out


def _rate(total: Floats, exams: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        each = total / exams
        pooled = total.sum(axis=0) / exams.sum(axis=0)
        modality = total.sum(axis=(0, 2)) / exams.sum(axis=(0, 2))
    pooled = np.where(np.isnan(pooled), np.nan_to_num(modality)[:, None], pooled)
    out: Floats = np.where(np.isnan(each), pooled, each)
    return out
