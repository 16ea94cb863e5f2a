"""Studies stored by STOW-RS: what an answer says of each object decides its row, and each ends in one outcome (F1)."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Literal

import pytest

from loadtest.archives.launch import running
from loadtest.archives.target import Target
from loadtest.play.config import PlayConfig
from loadtest.play.launch import PlayJob, play
from loadtest.play.problems import TrafficProblem
from loadtest.series.calibrate import calibrate
from loadtest.series.headroom import prove
from sim.runs.store import Run
from tests.loadtest.play.bench import Outcome, carry_out
from tests.loadtest.play.doctored import doctored
from tests.loadtest.traffic_factory import NAN, row, write

ROOT = Path(__file__).parents[3]
UID = re.compile(rb"\x02\x00\x03\x00UI..([0-9.]+)", re.DOTALL)  # (0002,0003) of each Part 10 file
Answer = Callable[[int, list[str]], tuple[int, dict[str, list[tuple[str, int]]] | None]]
_TAGS = {"stored": "00081199", "failed": "00081198"}


@pytest.mark.parametrize("kind", ["embedded", "orthanc"])
def test_every_object_of_a_study_has_its_row_and_is_found(tmp_path: Path, kind: Literal["embedded", "orthanc"]) -> None:
    rows = [row("prefill", NAN, 9, objects=3), *(row("store", 0.1 * n, n, objects=5) for n in range(3))]
    with running(kind, "south") as target:
        result = play([PlayJob(write(tmp_path / "t.parquet", rows), target)], 1.0, tmp_path / "out",
                      store_by="stow", batch=2, verify_hashes=1.0)  # fmt: skip
    run = Run(tmp_path / "out")
    assert result["verdict"] == "PASS", (result["reasons"], run.table("operations")["detail"].tolist())
    objects, ledger, operations = (run.table(name) for name in ("objects", "ledger", "operations"))
    assert (len(objects), set(objects["outcome"]), set(objects["status"])) == (18, {"ok"}, {200})
    assert set(objects["kind"]) == {"stow"}, "what takes an object's own time looks for others"
    with pytest.raises(TrafficProblem, match="stored by STOW-RS, several a request, whose time is not an object's"):
        calibrate(run)
    played = objects[objects["exam"] == 1]
    assert played.groupby("start_s", sort=False).size().tolist() == [2, 2, 1], "a request's objects have its times"
    assert (played["sent_s"] <= played["first_byte_s"]).all()
    for column in ("sent", "answered", "stored", "found_cfind", "found_qido", "retrieved", "equal"):
        assert (ledger[column] == ledger["planned"]).all(), column
    assert (operations["objects"] == operations["planned_objects"]).all()
    assert operations["bytes"].sum() == objects["bytes"].sum()


@contextmanager
def web_archive(answer: Answer) -> Iterator[str]:
    """A DICOMweb root that answers the n-th STOW-RS as it is told: a status and what it names, or None: no JSON."""
    asked = iter(range(1_000))

    class Told(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            sent = [one.decode() for one in UID.findall(raw)]
            status, names = answer(next(asked), sent)
            if status == 0:
                self.close_connection = True
                return
            body = b"" if names is None else json.dumps(_answer(names)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/dicom+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Told)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/dicom-web"
    finally:
        server.shutdown()
        server.server_close()


def _answer(names: dict[str, list[tuple[str, int]]]) -> dict[str, Any]:
    return {
        _TAGS[which]: {"vr": "SQ", "Value": [
            {"00081155": {"vr": "UI", "Value": [uid]}, **({"00081197": {"vr": "US", "Value": [n]}} if n else {})}
            for uid, n in some
        ]}
        for which, some in names.items()
    }  # fmt: skip


def stowed(folder: Path, answer: Answer, objects: int = 4, batch: int = 16) -> Outcome:
    with web_archive(answer) as url, doctored() as archive:
        target = archive.target.model_copy(update={"base_url": url})
        return carry_out(folder, [row("store", 0.0, 1, objects=objects)], target, store_by="stow", batch=batch)


def stored(uids: list[str]) -> list[tuple[str, int]]:
    return [(uid, 0) for uid in uids]


def test_failures_are_read_object_by_object(tmp_path: Path) -> None:
    """One is stored, one failed with its reason, one failed without, one is not named at all."""
    found = stowed(tmp_path, lambda n, u: (202, {"stored": stored(u[:1]), "failed": [(u[1], 0xA700), (u[2], 0)]}))
    told = [(one.number, one.outcome, one.status) for one in found.objects]
    assert told == [(0, "ok", 202), (1, "refused", 0xA700), (2, "refused", 0x0110), (3, "unknown", -1)]
    (ledger,) = found.ledger
    assert (ledger.stored, ledger.refused, ledger.failed, ledger.unknown, ledger.dropped) == (1, 2, 0, 1, 0)
    assert (found.operations[0].outcome, found.operations[0].objects) == ("unknown", 1)


def test_one_that_is_named_as_both_is_not_stored(tmp_path: Path) -> None:
    found = stowed(tmp_path, lambda n, u: (200, {"stored": stored(u), "failed": [(u[0], 0xA900)]}), objects=2)
    assert [(one.outcome, one.status) for one in found.objects] == [("refused", 0xA900), ("ok", 200)]
    assert found.operations[0].detail == "object 0: failure reason A900H"


@pytest.mark.parametrize(("status", "outcome", "state"), [(409, "refused", 409), (200, "unknown", -1)])
def test_an_answer_that_names_nothing(tmp_path: Path, status: int, outcome: str, state: int) -> None:
    found = stowed(tmp_path, lambda n, u: (status, None), objects=2)
    assert [(one.outcome, one.status) for one in found.objects] == [(outcome, state)] * 2
    assert found.operations[0].outcome == outcome


def test_a_request_without_an_answer_ends_the_study_and_nothing_is_sent_again(tmp_path: Path) -> None:
    """Rule L8; what had left is unknown (F3), what was never handed over failed with its study."""
    asked: list[int] = []

    def answer(n: int, uids: list[str]) -> tuple[int, dict[str, list[tuple[str, int]]]]:
        asked.append(len(uids))
        return (200, {"stored": stored(uids)}) if n == 0 else (0, {})

    found = stowed(tmp_path, answer, objects=6, batch=2)
    assert asked == [2, 2]
    assert [one.outcome for one in found.objects] == ["ok", "ok", "unknown", "unknown"]
    (ledger,) = found.ledger
    assert (ledger.stored, ledger.unknown, ledger.failed, ledger.planned) == (2, 2, 2, 6)
    assert found.operations[0].outcome == "unknown"


def test_without_a_web_door_it_says_so(tmp_path: Path) -> None:
    target = Target(name="x", port=104, ae_title="X")
    with pytest.raises(TrafficProblem, match="asks for STOW-RS, and the target has no base_url"):
        carry_out(tmp_path, [row("store", 0.0, 1)], target, store_by="stow")


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"shape": True}, "does not pass a site's link"),
        ({"faults": True}, "does not pass a site's link"),
        ({"async_window": 2}, "it is for C-STORE; take batch"),
    ],
)
def test_what_stow_cannot_do_is_refused(tmp_path: Path, setting: dict[str, Any], says: str) -> None:
    target = Target(name="x", port=104, ae_title="X")
    with pytest.raises(ValueError, match=says):
        carry_out(tmp_path, [row("store", 0.0, 1)], target, store_by="stow", **setting)


NAMES = """
import locust
from loadtest.play.users import Players, new_environment
from loadtest.verdict.records import OperationRow

environment, heard = new_environment(), []
environment.events.request.add_listener(lambda **said: heard.append(said["request_type"]))
for by_web in (("qido", "wado"), ("qido", "wado", "store")):
    for operation in ("store", "qido", "find"):
        row = OperationRow(1, "south", "ge", "s", "CT1", operation, "", "CT", 1, "play", 0.0, end_s=1.0, outcome="ok")
        Players([], environment, by_web).tell(row)
print(*heard)
"""


def test_locusts_page_says_by_what_it_was_stored() -> None:
    done = subprocess.run([sys.executable, "-c", NAMES], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["DIMSE", "DICOMweb", "DIMSE", "DICOMweb", "DICOMweb", "DIMSE"]
    target = Target(name="x", port=104, ae_title="X").model_dump(mode="json")
    config = PlayConfig.model_validate({"jobs": [{"traffic": "x", "target": target}], "out": "y", "store_by": "stow"})
    assert config.by_web() == ("qido", "wado", "store")


def test_headroom_is_proved_by_stow_too(tmp_path: Path) -> None:
    file = write(tmp_path / "t.parquet", [row("store", 0.05 * n, n, objects=3) for n in range(10)])
    proof = prove("before", [PlayJob(file, Target(name="x", port=104, ae_title="X"))], 1.0, 5.0, {"store_by": "stow"})
    assert (proof.generator["sent"], proof.generator["dropped"]) == (10, 0)
