"""Storage commitment as a witness: wherever the archive reports, and however many objects a study has."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from loadtest.archives.target import Destination
from loadtest.play import witness
from loadtest.wire import Peer, StoreListener, pdu
from loadtest.wire.identifier import decode_identifier
from tests.loadtest.wire.test_wire_commitment import report_of, send_report
from tests.loadtest.wire.wire_servers import (
    CT,
    EXPLICIT,
    accept,
    encoded,
    free_port,
    reply,
    response_elements,
    take_message,
    take_pdu,
)


@contextmanager
def reporting(leave_out: int = 0, closes: bool = False) -> Iterator[Peer]:
    """An archive that reports every transaction on the association that asked, but for its last objects."""

    def serve(talk: socket.socket) -> None:
        accept(talk)
        context, request, raw = take_message(talk)
        asked = decode_identifier(raw, EXPLICIT)
        uids = [str(one.ReferencedSOPInstanceUID) for one in asked.ReferencedSOPSequence]
        reply(talk, context, *response_elements(request, 0))
        committed = uids[: len(uids) - leave_out]
        send_report(talk, context, encoded(report_of(committed, {}, str(asked.TransactionUID))))
        assert take_message(talk)[1].status == 0
        if not closes:
            take_pdu(talk)
            talk.sendall(pdu.release_rp())

    def run() -> None:
        while True:
            try:
                talk, _ = door.accept()
                with talk:
                    serve(talk)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=run, daemon=True).start()
        yield Peer("127.0.0.1", door.getsockname()[1], "ARCHIVE")
        door.shutdown(socket.SHUT_RDWR)


def study(objects: int) -> Any:
    rows = [type("Row", (), {"number": n, "outcome": "ok"}) for n in range(objects)]
    operation = type("Operation", (), {"exam": 7, "modality": "CT", "job": 0})
    return type("Entry", (), {"operation": operation, "objects": rows, "row": type("R", (), {"committed": None})})


def archive_at(peer: Peer, *destinations: Destination) -> Any:
    class Factory:
        sop_class = staticmethod(lambda modality: CT)
        instance_uid = staticmethod(lambda exam, number: f"2.25.{exam}.{number + 1}")
        study_uid = staticmethod(lambda exam: f"2.25.{exam}")

    target = {"peer": staticmethod(lambda: peer), "host": peer.host, "address": "", "destinations": destinations}
    known = {"ae_title": "ARCHIVE"}
    return type("Found", (), {"factory": Factory, "target": type("T", (), target | known), "listener": None,
                              "cluster": "south"})  # fmt: skip


@pytest.mark.parametrize("closes", [False, True])
@pytest.mark.parametrize("listens", [False, True])
def test_the_report_comes_on_the_association_that_asked(listens: bool, closes: bool) -> None:
    """With our listener open as well; the archive may close the connection as soon as it has said all."""
    with reporting(closes=closes) as peer, StoreListener("DEST", only_expected=True) as listener:
        entry = study(3)
        assert witness._commit(listener if listens else None, archive_at(peer), entry) == ""
        assert entry.row.committed == 3
        assert not listener.reports.is_outstanding()


def test_no_report_in_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness, "REPORT_WITHIN_S", 0.2)
    silent: Callable[..., None] = lambda *_: None  # noqa: E731
    monkeypatch.setattr("tests.loadtest.play.test_play_commitment.send_report", silent)
    with reporting() as peer, StoreListener("DEST", only_expected=True) as listener:
        entry = study(3)
        assert witness._commit(listener, archive_at(peer), entry) == "no report came within 0.2 s"
        assert entry.row.committed is None
        assert not listener.reports.is_outstanding()


def test_a_study_of_more_objects_than_a_transaction_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    with reporting(leave_out=1) as peer:
        entry = study(5001)
        assert witness._commit(None, archive_at(peer), entry) == ""
        assert entry.row.committed == 5001 - 2


def test_a_port_that_is_taken_costs_the_commitment_not_the_run() -> None:
    entry = study(1)
    entry.row.stored = 1
    with StoreListener("OTHER") as other:
        archive = archive_at(Peer("127.0.0.1", free_port(), "X"), Destination(ae_title="DEST", port=other.port))
        (line,) = witness.commit([archive], [entry])
    assert line.startswith("south: storage commitment of a study: cannot listen for it: Address already in use")
