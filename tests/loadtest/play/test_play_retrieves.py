"""What an archive may send back, and what a retrieve makes of it: the same object again, another one, no counts."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import sleep
from typing import Any

import pytest
from gevent import joinall

from loadtest.play import destination as places
from loadtest.play.associations import Associations, Proposal
from loadtest.play.destination import Destination
from loadtest.play.dimse import Dimse
from loadtest.play.services import Done
from loadtest.wire import Peer, StoreListener, TcpProfile, command, open_association, pdu
from loadtest.wire.command import us
from loadtest.wire.query import STUDY_ROOT_GET, STUDY_ROOT_MOVE
from tests.loadtest.wire.wire_servers import (
    CT,
    EXPLICIT,
    QUICK,
    STUDY,
    dataset,
    encoded,
    reply,
    response_elements,
    take_message,
    take_pdu,
)

OPERATION: Any = type(
    "Operation", (), {"exam": 1, "site": "S", "ae_title": "WS", "objects": 3, "patient": 1, "modality": "CT"}
)
ALL, FOREIGN = (0, 1, 2), 7  # numbers of the study's three objects, and of one that is none of them


class Factory:
    """Of the study that wire_servers.dataset makes."""

    study_uid = staticmethod(lambda exam: STUDY)
    patient_id = staticmethod(lambda patient: "P1")
    sop_class = staticmethod(lambda modality: CT)
    instances = staticmethod(lambda exam, objects: {str(dataset(n).SOPInstanceUID) for n in range(objects)})


@contextmanager
def archive(serve: Any) -> Iterator[Peer]:
    def run() -> None:
        talk, _ = door.accept()
        with talk:
            take_pdu(talk)
            accepted = [(1, 0, EXPLICIT), (3, 0, EXPLICIT)]
            talk.sendall(pdu.associate_ac(pdu.titles("ARCHIVE", "WS"), accepted, 16384, [(CT, False, True)]))
            serve(talk)
            take_pdu(talk)
            talk.sendall(pdu.release_rp())

    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = threading.Thread(target=run)
        thread.start()
        yield Peer("127.0.0.1", door.getsockname()[1], "ARCHIVE")
        thread.join(5)


@contextmanager
def dimse(peer: Peer, listener: StoreListener | None = None) -> Iterator[Dimse]:
    proposal = Proposal([(STUDY_ROOT_MOVE if listener else STUDY_ROOT_GET, [EXPLICIT]), (CT, [EXPLICIT])], [CT])
    associations = Associations(peer, lambda ae_title, service: proposal, TcpProfile.TUNED, QUICK, 5.0)
    factory: Any = Factory()
    yield Dimse(factory, associations, Destination(listener) if listener else None)
    joinall(associations.release_idle(0.0))


def moved(sent: Sequence[int], *, counts: bool = True, late: bool = False) -> Done:
    def serve(talk: socket.socket) -> None:
        context, request, _ = take_message(talk)
        elements = response_elements(request, 0) + ([us(0x1021, len(sent)), us(0x1022, 0)] if counts else [])
        contexts = [(CT, [EXPLICIT])]
        with open_association(Peer("127.0.0.1", listener.port, "DEST"), "ARCHIVE", contexts, timeouts=QUICK) as link:
            if late:
                reply(talk, context, *elements)
                sleep(0.2)
            for number in sent:
                link.store(CT, str(dataset(number).SOPInstanceUID), EXPLICIT, (encoded(dataset(number)),))
        if not late:
            reply(talk, context, *elements)

    done = Done()
    with (
        StoreListener("DEST", only_expected=True, timeouts=QUICK) as listener,
        archive(serve) as peer,
        dimse(peer, listener) as services,
    ):
        services.move(OPERATION, done)
    return done


def got(sent: Sequence[int]) -> Done:
    def serve(talk: socket.socket) -> None:
        context, request, _ = take_message(talk)
        for number in sent:
            uid = str(dataset(number).SOPInstanceUID)
            parts = (encoded(dataset(number)),)
            talk.sendall(b"".join(pdu.p_data(3, command.store_rq(CT, uid, number + 1), parts, 16384)))
            take_message(talk)
        reply(talk, context, *response_elements(request, 0))

    done = Done()
    with archive(serve) as peer, dimse(peer) as services:
        services.get(OPERATION, done)
    return done


RETRIEVES = pytest.mark.parametrize("retrieve", [moved, got])


@RETRIEVES
def test_a_study_that_comes_whole(retrieve: Any) -> None:
    done = retrieve(ALL)
    assert (done.outcome, done.objects, done.detail) == ("ok", 3, "")


@RETRIEVES
def test_one_object_three_times_is_no_study(retrieve: Any) -> None:
    done = retrieve([1, 1, 1])
    assert (done.outcome, done.objects) == ("failed", 1)
    assert "1 objects came of 3; 2 came again" in done.detail


@RETRIEVES
def test_an_object_that_comes_again_is_told(retrieve: Any) -> None:
    done = retrieve([*ALL, 2])
    assert (done.outcome, done.objects, done.detail) == ("ok", 3, "1 came again")


@RETRIEVES
def test_a_foreign_object_under_our_study_is_not_counted(retrieve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "ARRIVES_WITHIN_S", 0.2)
    done = retrieve([0, 1, FOREIGN])
    assert (done.outcome, done.objects) == ("failed", 2)
    assert "2 objects came of 3; 1 came that are none of the study's" in done.detail
    done = retrieve([*ALL, FOREIGN])
    assert (done.outcome, done.objects) == ("failed", 3)


@pytest.mark.parametrize("late", [False, True])
def test_a_final_response_without_counts(late: bool) -> None:
    """The counts are optional there (PS3.7 table 9.1-4); the response may overtake the objects."""
    done = moved(ALL, counts=False, late=late)
    assert (done.outcome, done.objects, done.detail) == ("ok", 3, "")
