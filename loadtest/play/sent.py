"""Which studies a play has sent to which archive, so that they can be found again and removed (rule S9).

Nothing is sent or removed here. UIDs are functions of seed, lot and exam: the records hold the exams alone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from loadtest.objects.factory import ACCESSION_PREFIX
from loadtest.objects.uids import lot_seed, root, study_uid
from loadtest.play.problems import TrafficProblem
from loadtest.play.salvage import is_journal, read_left
from loadtest.play.stowing import STOW
from loadtest.verdict.ledger import ledger_table
from loadtest.verdict.records import NO_STATUS, ObjectRow, to_table
from sim.runs.store import MANIFEST, Run

Place = tuple[str, str, int, str, bool]  # name, host, port, AE title, whether we had started it
STORING = ("store", STOW)
MAY_HAVE_COME = ("ok", "unknown", "failed")  # of an object that failed some bytes have left


@dataclass(frozen=True)
class SentTo:
    """The studies of one UID root that one archive was sent, whole or in part; `ours`: we had started the archive."""

    archive: str
    host: str
    port: int
    ae_title: str
    ours: bool
    clusters: list[str]
    uid_root: str
    accession_prefix: str
    studies: list[str]


@dataclass(frozen=True)
class _Part:
    """What one cluster's devices have sent, and to whom: exams of a seed."""

    cluster: str
    place: Place
    seed: int
    exams: Iterable[int]


def sent_of(folder: Path) -> list[SentTo]:
    """What the play of a run folder, or of the journal of a killed one, has sent; one an archive and UID root.

    Raises TrafficProblem for a folder of something else, RunProblem, PlayFailed.
    """
    parts = _of_journal(folder) if is_journal(folder) else _of_run(Run(folder))
    found: dict[tuple[Place, int], SentTo] = {}
    for one in parts:
        first = SentTo(*one.place, [], root(one.seed), ACCESSION_PREFIX, [])
        entry = found.setdefault((one.place, one.seed), first)
        entry.clusters.append(one.cluster)
        entry.studies.extend(study_uid(one.seed, exam) for exam in one.exams)
    return list(found.values())


def _of_journal(folder: Path) -> Iterator[_Part]:
    left = read_left(folder)
    ledger, objects = ledger_table(left.ledger).to_pandas(), to_table(ObjectRow, left.objects).to_pandas()
    exams = _exams_of_play(ledger, objects)
    for job, traffic in zip(left.config.jobs, left.traffics, strict=True):
        about = traffic.about
        seed = lot_seed(about.seed, left.config.lot)
        yield _Part(about.cluster, _place(job.target.model_dump()), seed, exams.get(about.cluster, []))


def _of_run(run: Run) -> Iterator[_Part]:
    kind = run.manifest.get("kind")
    if kind not in ("load", "limit"):
        raise TrafficProblem(
            f"{run.folder}: a run of kind '{kind}' has sent nothing to an archive: name a run folder of "
            "`filmless load` or `filmless claim`, or the OUT.partial of one that was killed"
        )
    try:
        yield from _of_load(run) if kind == "load" else _of_search(run)
    except KeyError as error:
        told = f"{run.folder / MANIFEST}: {error.args[0]}: this key is missing, without which no UID can be told"
        raise TrafficProblem(f"{told}: the run was made by an older version, or the file is damaged") from None


def _of_load(run: Run) -> Iterator[_Part]:
    manifest = run.manifest
    exams = _exams_of_play(run.table("ledger"), run.table("objects", ["cluster", "exam", "kind", "status", "outcome"]))
    for cluster, target in manifest["targets"].items():
        seed = manifest["seeds"][cluster] if "seeds" in manifest else manifest["seed"]
        yield _Part(cluster, _place(target), _seed(manifest, seed), exams.get(cluster, []))


def _of_search(run: Run) -> Iterator[_Part]:
    """A search keeps no row an object: each store counts that was begun."""
    rows = run.table("operations", ["cluster", "exam", "operation", "outcome"])
    begun = rows[(rows["operation"] == "store") & (rows["outcome"] != "dropped")]
    place, seed = _place(run.manifest["target"]), _seed(run.manifest, run.manifest["seed"])
    for cluster, exams in _by_cluster(begun).items():
        yield _Part(cluster, place, seed, exams)


def _place(target: dict[str, Any]) -> Place:
    """Of a target as a manifest has it."""
    return target["name"], target["host"], target["port"], target["ae_title"], bool(target["pid"])


def _seed(manifest: dict[str, Any], seed: int) -> int:
    return lot_seed(seed, manifest["settings"].get("lot", 0))


def _exams_of_play(ledger: pd.DataFrame, objects: pd.DataFrame) -> dict[str, list[int]]:
    """By the ledger, which knows of objects too whose rows a kill has cut; and those that failed on their way."""
    known = ledger[(ledger["sent"] > 0) | (ledger["unknown"] > 0)]
    stored = objects[objects["kind"].isin(STORING)]
    begun = stored[stored["outcome"].isin(MAY_HAVE_COME) | (stored["status"] != NO_STATUS)]
    return _by_cluster(pd.concat([known[["cluster", "exam"]], begun[["cluster", "exam"]]]))


def _by_cluster(rows: pd.DataFrame) -> dict[str, list[int]]:
    return {str(name): sorted(map(int, set(some))) for name, some in rows.groupby("cluster")["exam"]}
