"""What was sent to somebody's archive is listed, so that it can be removed; and what was not is not (rule S9)."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from loadtest.archives.launch import running
from loadtest.objects.uids import lot_seed, root, study_uid
from loadtest.play.journal import Journal
from loadtest.play.launch import PlayJob, play
from loadtest.play.plan import make_plan
from loadtest.play.problems import TrafficProblem
from loadtest.play.recorder import planned_row
from loadtest.play.salvage import salvage
from loadtest.play.sent import SentTo, sent_of
from loadtest.play.traffic import read_traffic
from loadtest.verdict.records import ObjectRow, OperationRow, operations_table
from sim.runs.store import RunProblem, RunWriter
from tests.filmless.test_load_cli import here
from tests.loadtest.play.doctored import Doctored, doctored
from tests.loadtest.play.test_play_process import config
from tests.loadtest.traffic_factory import NAN, mixed, row, write


def rest(url: str, asked: object = None, method: str = "POST") -> Any:
    body = None if asked is None else json.dumps(asked).encode()
    with urlopen(Request(url, body, method=method), timeout=30) as reply:
        return json.load(reply)


def remove(orthanc: str, uid: str) -> list[str]:
    """As docs/playing.md says; returns the accession numbers of what was removed."""
    names = rest(f"{orthanc}/tools/find", {"Level": "Study", "Query": {"StudyInstanceUID": uid}})
    accessions = [rest(f"{orthanc}/studies/{name}", method="GET")["MainDicomTags"]["AccessionNumber"] for name in names]
    for name in names:
        rest(f"{orthanc}/studies/{name}", method="DELETE")
    return accessions


def test_s9_after_cleanup_orthanc_holds_what_it_held_before(tmp_path: Path) -> None:
    """Prefill and play of one lot go, by the list that is printed; those of another lot, sent before, stay."""
    file = write(tmp_path / "t.parquet", [one for one in mixed() if one["operation"] == "store"])
    with running("orthanc", "south") as target:
        orthanc = target.statistics_url.removesuffix("/statistics")
        play([PlayJob(file, target)], 1.0, tmp_path / "others", priority="usual")
        before = target.count_instances()
        play([PlayJob(file, target)], 1.0, tmp_path / "ours", priority="usual", lot=123_456_789_012)
        assert (before, target.count_instances()) == (10, 20)
        done = here("cleanup", tmp_path / "ours")
        accessions = [one for uid in done.stdout.splitlines() for one in remove(orthanc, uid)]
        assert target.count_instances() == before
    assert len(done.stdout.splitlines()) == len(accessions) == 5
    (found,) = json.loads(here("cleanup", tmp_path / "ours", "--json").stdout)["archives"]
    assert "\n".join(found["studies"]) + "\n" == done.stdout
    assert all(one.startswith(found["accession_prefix"]) and one[2:].isdigit() for one in accessions)
    assert (found["archive"], found["port"], found["clusters"]) == ("south", target.port, ["south"])
    assert f"5 studies sent, whole or in part; Study Instance UIDs begin with {found['uid_root']}. and" in done.stderr
    assert found["uid_root"] == root(lot_seed(7, 123_456_789_012))
    assert all(one.startswith(f"{found['uid_root']}.") for one in found["studies"])


def test_what_was_refused_unanswered_or_cut_is_listed_and_what_never_left_is_not(tmp_path: Path) -> None:
    acts = ["ok", "A700", "silent", "cut"]
    file = write(tmp_path / "t.parquet", [row("store", 0.1 * n, n, objects=1) for n in range(6)])
    with doctored() as archive:

        def script(n: int) -> str:
            archive.rejecting = n == 3  # from then on no association is taken
            return acts[n]

        archive.script = script
        play([PlayJob(file, archive.target)], 1.0, tmp_path / "out", priority="usual", response_s=0.5)
        assert archive.stores == 4
    (found,) = sent_of(tmp_path / "out")
    assert found.studies == [study_uid(7, exam) for exam in range(4)]
    assert not found.ours


def test_an_archive_that_took_nothing_has_an_empty_list(tmp_path: Path) -> None:
    file = write(tmp_path / "t.parquet", [row("store", 0.0, 1)])
    with doctored() as archive:
        archive.rejecting = True
        play([PlayJob(file, archive.target)], 1.0, tmp_path / "out", priority="usual")
    done = here("cleanup", tmp_path / "out")
    assert done.stdout == ""
    assert f"archive 'doctored' (127.0.0.1:{archive.target.port}, DOCTORED): nothing was sent" in done.stderr


def held(archive: Doctored, found: SentTo) -> bool:
    return set(archive.held) == set(found.studies) and found.port == archive.target.port


def test_each_archive_has_its_own_list_and_each_traffic_its_seed(tmp_path: Path) -> None:
    with doctored() as one, doctored() as other:
        jobs = []
        for archive, cluster, seed in ((one, "south", 7), (other, "north", 8)):
            rows = [row("store", 0.0, seed, cluster=cluster), row("prefill", NAN, 20 + seed, cluster=cluster)]
            jobs.append(PlayJob(write(tmp_path / f"{cluster}.parquet", rows, seed=seed), archive.target))
        play(jobs, 1.0, tmp_path / "out", priority="usual", lot=5)
        found = {found.port: found for found in sent_of(tmp_path / "out")}
        assert all(held(archive, found[archive.target.port]) for archive in (one, other))
    assert len({one.uid_root for one in found.values()}) == 2


def test_clusters_in_one_archive_are_one_list(tmp_path: Path) -> None:
    with doctored() as archive:
        files = [write(tmp_path / f"{name}.parquet", [row("store", 0.0, exam, cluster=name)])
                 for exam, name in enumerate(("south", "north"))]  # fmt: skip
        play([PlayJob(file, archive.target) for file in files], 1.0, tmp_path / "out", priority="usual")
        (found,) = sent_of(tmp_path / "out")
        assert held(archive, found)
    assert sorted(found.clusters) == ["north", "south"]


def test_the_journal_of_a_killed_play_tells_what_its_salvaged_run_does_and_stays(tmp_path: Path) -> None:
    """Killed in its prefill: one study is stored, two more may have been on their way."""
    rows = [*(row("prefill", NAN, n, objects=1) for n in range(5)), row("store", 0.0, 9, objects=1)]
    with doctored() as archive:
        file = config(tmp_path, archive.target, rows=rows, lot=3)
    first = make_plan([read_traffic(tmp_path / "t.parquet")]).prefill[0]
    stored = ObjectRow("south", first.op, first.exam, 0, 0.0, 0.1, 0.2, 0.3, 8192, 0, "ok")
    with Journal(tmp_path / "out", file.read_text(), [tmp_path / "t.parquet"]) as journal:
        journal.sending = True
        journal.write(([replace(planned_row(first), end_s=40.0, outcome="ok")], [stored]))
    (found,) = sent_of(tmp_path / "out.partial")
    assert found.studies == [study_uid(lot_seed(7, 3), exam) for exam in range(3)]
    assert here("cleanup", tmp_path / "out.partial").stdout.splitlines() == found.studies
    assert sent_of(salvage(tmp_path / "out.partial")[0]) == [found]


def run_of(folder: Path, manifest: dict[str, Any]) -> Path:
    with RunWriter(folder) as writer:
        return writer.close(manifest)


def test_folders_of_something_else_are_bad_input(tmp_path: Path) -> None:
    simulated = run_of(tmp_path / "run", {"kind": "simulation"})
    with pytest.raises(TrafficProblem, match="a run of kind 'simulation' has sent nothing to an archive: name a run"):
        sent_of(simulated)
    assert "has sent nothing" in json.loads(here("cleanup", simulated, "--json", code=2).stdout)["error"]["message"]
    with pytest.raises(RunProblem, match="is not a run folder"):
        sent_of(tmp_path)
    assert "is not a run folder" in here("cleanup", tmp_path / "nowhere", code=2).stderr


def test_a_search_of_which_the_seed_is_not_known_is_told(tmp_path: Path) -> None:
    """As of a version that did not keep it: file and key."""
    target = {"name": "x", "host": "127.0.0.1", "port": 104, "ae_title": "X", "pid": 0}
    rows = [OperationRow(n, "south", "ge", "S1", "CT1", "store", "store", "CT", n, "play", 0.0, outcome=outcome)
            for n, outcome in enumerate(("ok", "failed", "dropped"))]  # fmt: skip
    manifest = {"kind": "limit", "target": target, "settings": {"lot": 5}}
    for name, more in (("old", {}), ("new", {"seed": 7})):
        with RunWriter(tmp_path / name) as writer:
            writer.table("operations", operations_table(rows))
            writer.close(manifest | more)
    with pytest.raises(TrafficProblem, match=r"old/manifest\.json: seed: this key is missing"):
        sent_of(tmp_path / "old")
    (found,) = sent_of(tmp_path / "new")
    assert found.studies == [study_uid(lot_seed(7, 5), exam) for exam in range(2)]
