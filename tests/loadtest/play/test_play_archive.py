"""What is refused before anything is sent, C-MOVE by several readers, kept associations, and waking on time."""

import json
import os
import socket
import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import gevent
import numpy as np
import pytest

from loadtest.archives.target import Destination as Known
from loadtest.archives.target import Target
from loadtest.play.alarm import Alarm
from loadtest.play.archive import Archive, check_reachable, open_archive
from loadtest.play.associations import COUNTS
from loadtest.play.config import PlayConfig
from loadtest.play.destination import Destination
from loadtest.play.keep import check_new
from loadtest.play.launch import free_port
from loadtest.play.plan import make_plan
from loadtest.play.problems import PlayFailed, TrafficProblem
from loadtest.play.studies import factories
from loadtest.play.traffic import read_traffic
from loadtest.wire import AssociationRejected, Peer, StoreListener, Timeouts, open_association
from tests.loadtest.play.doctored import doctored
from tests.loadtest.traffic_factory import mixed, row, write

NOBODY = Target(name="nobody", port=1, ae_title="NOBODY")


def opened(folder: Path, target: Target, stack: ExitStack, rows: Any = None, **job: Any) -> Archive:
    """An archive, prepared and not yet spoken to."""
    file = write(folder / "t.parquet", rows or mixed())
    said = {"traffic": str(file), "target": target.model_dump(mode="json"), **job.pop("job", {})}
    config = PlayConfig.model_validate_json(json.dumps({"jobs": [said], "out": "x", **job}))
    traffic = read_traffic(file)
    return open_archive(0, traffic.about, factories([traffic])[0], make_plan([traffic]), config, stack)


def test_c_move_needs_a_destination_that_the_archive_knows(tmp_path: Path) -> None:
    with ExitStack() as stack, pytest.raises(TrafficProblem) as found:
        opened(tmp_path, NOBODY.model_copy(update={"base_url": "http://127.0.0.1:1"}), stack)
    assert "the traffic asks for C-MOVE, and the target names no destination of ours" in str(found.value)
    assert 'retrieve = "get"' in str(found.value)


def test_dicomweb_needs_a_base_url(tmp_path: Path) -> None:
    with (
        ExitStack() as stack,
        pytest.raises(TrafficProblem, match="asks for qido and wado, and the target has no base"),
    ):
        opened(tmp_path, NOBODY, stack, retrieve="get")


def test_a_taken_listener_port_is_told(tmp_path: Path) -> None:
    rows = [row("move", 0.0, 1)]
    with StoreListener("OTHER") as other, ExitStack() as stack:
        known = NOBODY.model_copy(update={"destinations": [Known(ae_title="OURS", port=other.port)]})
        with pytest.raises(PlayFailed, match=f"destination OURS at 127.0.0.1:{other.port}: Address already in use"):
            opened(tmp_path, known, stack, rows)


def test_a_port_of_the_job_serves_where_the_target_names_none(tmp_path: Path) -> None:
    port = free_port()
    with ExitStack() as stack:
        opened(tmp_path, NOBODY, stack, [row("move", 0.0, 1)], job={"listener_port": port})
        socket.create_connection(("127.0.0.1", port), 2).close()


@pytest.mark.parametrize(("calling_ae", "taken"), [("", "NOBODY"), ("NOBODY_MOVES", "NOBODY_MOVES")])
def test_the_plays_listener_takes_the_targets_ae_title_alone(tmp_path: Path, calling_ae: str, taken: str) -> None:
    """Or the one by which the archive sends, as its destination says (rule Z8)."""
    known = Known(ae_title="OURS", port=free_port(), calling_ae=calling_ae)
    contexts = [("1.2.840.10008.1.1", ["1.2.840.10008.1.2"])]
    with ExitStack() as stack:
        target = NOBODY.model_copy(update={"destinations": [known]})
        listener = opened(tmp_path, target, stack, [row("move", 0.0, 1)]).listener
        assert listener is not None
        listener.expect("1.2")
        ours = Peer("127.0.0.1", known.port, "OURS")
        open_association(ours, taken, contexts).release()
        for stranger in {"STRANGER", "NOBODY", "NOBODY_MOVES"} - {taken}:
            with pytest.raises(AssociationRejected, match="calling AE title not recognised"):
                open_association(ours, stranger, contexts)


@pytest.mark.parametrize("web", [False, True])
def test_an_archive_that_is_not_there(tmp_path: Path, web: bool) -> None:
    with doctored() as there, ExitStack() as stack:
        target = there.target if web else NOBODY.model_copy(update={"port": free_port()})
        target = target.model_copy(update={"base_url": f"http://127.0.0.1:{free_port()}/dicom-web"})
        archive = opened(tmp_path, target, stack, [row("store", 0.0, 1)])
        door = "DICOMweb" if web else "DICOM"
        with pytest.raises(
            PlayFailed, match=rf", {door}: no connection to 127\.0\.0\.1:\d+: Connection refused: start it"
        ) as told:
            check_reachable(archive, web, Timeouts(1, 1, 1))
        assert told.value.exit_code == 2, "who named it can mend it"
        ours = replace(archive, target=target.model_copy(update={"pid": os.getpid()}))
        with pytest.raises(PlayFailed) as told:
            check_reachable(ours, web, Timeouts(1, 1, 1))
        assert told.value.exit_code == 1


@pytest.mark.parametrize("name", ["FILMLESS_WEB_TOKEN", "FILMLESS_WEB_USER", "FILMLESS_WEB_PASSWORD"])
@pytest.mark.parametrize("end", ["\n", "\udcff"])
def test_credentials_that_cannot_be_sent_are_told_before_anything_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, end: str
) -> None:
    """Who set them can mend it; a play of C-STORE alone asks by DICOMweb in the end."""
    monkeypatch.setenv("FILMLESS_WEB_USER", "us")
    monkeypatch.setenv(name, f"planted{end}")
    known = NOBODY.model_copy(update={"base_url": "http://127.0.0.1:1"})
    with ExitStack() as stack, pytest.raises(PlayFailed, match=f"archive 'nobody', DICOMweb: {name} ") as told:
        opened(tmp_path, known, stack, [row("store", 0.0, 1)])
    assert (told.value.exit_code, told.value.__cause__) == (2, None)
    assert "planted" not in f"{told.value!r} {told.value.__context__!r}"


def test_a_folder_that_is_taken(tmp_path: Path) -> None:
    with pytest.raises(TrafficProblem, match="exists already: name another folder with --out, or remove it"):
        check_new(tmp_path)
    check_new(tmp_path / "new")


def test_two_readers_of_one_study_take_turns_and_two_studies_do_not() -> None:
    """At the listener two C-MOVEs of a study could not be told apart: the second waits, and is told how long."""
    order: list[str] = []
    with StoreListener("OURS", only_expected=True) as listener:
        destination = Destination(listener)

        def read(name: str, study: str, begun: threading.Event, go_on: threading.Event) -> None:
            with destination.expecting(study) as expected:
                order.append(f"{name} {expected.blocked_s > 0.05}")
                begun.set()
                go_on.wait(5)

        events = [(threading.Event(), threading.Event()) for _ in range(3)]
        readers = [
            threading.Thread(target=read, args=(name, study, *two))
            for (name, study), two in zip((("a", "1.2"), ("b", "1.2"), ("c", "1.3")), events, strict=True)
        ]
        readers[0].start()
        events[0][0].wait(5)
        readers[1].start()
        readers[2].start()
        events[2][0].wait(5)
        assert order == ["a False", "c False"]
        gevent.sleep(0.06)
        for _, go_on in events:
            go_on.set()
        for reader in readers:
            reader.join(5)
    assert order == ["a False", "c False", "b True"]
    assert destination._locks == {}


def test_idle_associations_are_released(tmp_path: Path) -> None:
    rows = [row("store", 0.0, n, ae_title=f"CT000{n}R1") for n in (1, 2, 3)]
    with doctored() as there, ExitStack() as stack:
        archive = opened(tmp_path, there.target, stack, rows)
        for n in (1, 2, 3):
            with archive.associations.borrow(f"CT000{n}R1", "store"):
                pass
        assert archive.associations.release_idle() == []
        assert len(gevent.joinall(archive.associations.release_idle(older_than_s=0.0), timeout=5)) == 3
        assert {name: archive.associations.tally[name] for name in COUNTS} == {
            "opened": 3, "released": 3, "closed_by_peer_while_idle": 0,
        }  # fmt: skip


def test_the_alarm_wakes_everybody_on_time_and_in_order() -> None:
    alarm, late, order = Alarm(), [], []

    def sleeper(number: int, due: float) -> None:
        alarm.sleep_until(due)
        late.append(perf_counter() - due)
        order.append(number)

    begin = perf_counter() + 0.05
    dues = np.random.default_rng(1).permutation(200) * 0.001 + begin
    gevent.joinall([gevent.spawn(sleeper, n, float(due)) for n, due in enumerate(dues)], timeout=5)
    alarm.close()
    assert alarm.kind == "event loop, milliseconds"  # closed
    assert len(late) == 200
    assert min(late) >= 0
    assert np.median(late) < 0.002
    assert order == list(np.argsort(dues))


def timers() -> int:
    """Kernel timers that this process holds open."""
    return sum("timerfd" in os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
               if os.path.lexists(f"/proc/self/fd/{n}"))  # fmt: skip


def test_the_alarm_closes_its_timer_and_past_times_cost_nothing() -> None:
    before = timers()
    alarm = Alarm()
    assert timers() == before + 1
    alarm.sleep_until(perf_counter() - 1.0)
    sleeper = gevent.spawn(alarm.sleep_until, perf_counter() + 60.0)
    gevent.sleep(0)
    sleeper.kill()
    alarm.close()
    alarm.close()
    assert timers() == before
