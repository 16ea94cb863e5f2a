"""The archive's DIMSE side on pynetdicom's server: one thread pair per association, loopback only."""

import socket
from contextlib import suppress
from logging import getLogger
from typing import cast

from pydicom.dataset import Dataset
from pynetdicom import AE, _config, evt
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.transport import ThreadedAssociationServer

from loadtest.archives.embedded.archive import Archive
from loadtest.archives.embedded.contexts import accepted, in_their_order
from loadtest.archives.embedded.find import answer_find
from loadtest.archives.embedded.header import Unreadable
from loadtest.archives.embedded.options import LOOPBACK, Options
from loadtest.archives.embedded.retrieve import Retrieve
from loadtest.archives.embedded.service import Service
from loadtest.archives.embedded.status import failure
from loadtest.archives.embedded.transport import no_delay
from loadtest.wire.settings import IMPLEMENTATION_UID, IMPLEMENTATION_VERSION

MAX_PDU = 262_144
MOST_ASSOCIATIONS = 1_000
IDLE_S = 600.0  # a modality may hold its association open between patients


def start(archive: Archive, options: Options) -> Service:
    """Listen on loopback. Raises OSError when the port is taken."""
    _quieten()
    entity = _entity(options.ae_title)
    retrieve = Retrieve(archive, options.movers)
    handlers: list[evt.EventHandlerType] = [
        (evt.EVT_CONN_OPEN, no_delay),
        (evt.EVT_REQUESTED, _prefer_their_order),
        (evt.EVT_C_ECHO, _echo),
        (evt.EVT_C_STORE, _store, [archive]),
        (evt.EVT_C_FIND, answer_find, [archive, options.ae_title]),
        (evt.EVT_C_GET, retrieve.get),
        (evt.EVT_C_MOVE, retrieve.move),
    ]
    contexts = accepted()
    server = cast(
        ThreadedAssociationServer,
        entity.start_server((LOOPBACK, options.port), block=False, evt_handlers=handlers, contexts=contexts),
    )
    # shutdown aborts what is still open, or its threads would keep the process alive
    return Service(int(server.server_address[1]), entity.shutdown, lambda: _cut(server))


def _cut(server: ThreadedAssociationServer) -> None:
    """Take the network away: no new connection, and what is open ends without A-ABORT."""
    opened = [one.dul.socket for one in server.active_associations]
    for raw in (server.socket, *(one.socket for one in opened if one is not None)):
        with suppress(OSError):  # its peer may be gone
            if raw is not None:
                raw.shutdown(socket.SHUT_RDWR)
    server.shutdown()


def _quieten() -> None:
    """Logging each PDU costs more than storing it; what is refused is told to the peer."""
    _config.LOG_HANDLER_LEVEL = "none"
    _config.LOG_REQUEST_IDENTIFIERS = _config.LOG_RESPONSE_IDENTIFIERS = False
    getLogger("pynetdicom").setLevel("CRITICAL")


def _entity(ae_title: str) -> AE:
    entity = AE(ae_title)
    entity.maximum_associations = MOST_ASSOCIATIONS
    entity.maximum_pdu_size = MAX_PDU
    entity.network_timeout = IDLE_S
    entity.implementation_class_uid = IMPLEMENTATION_UID
    entity.implementation_version_name = IMPLEMENTATION_VERSION
    return entity


def _prefer_their_order(event: evt.Event) -> None:
    """Before negotiation: pynetdicom goes by the acceptor's order of transfer syntaxes."""
    event.assoc.acceptor.supported_contexts = in_their_order(event.assoc.requestor.requested_contexts)


def _echo(event: evt.Event) -> int:
    return 0x0000


def _store(event: evt.Event, archive: Archive) -> int | Dataset:
    """C-STORE (PS3.4 B.2): the bytes are kept as they came."""
    request = cast(C_STORE, event.request)
    try:
        archive.store(
            request.DataSet.getvalue() if request.DataSet else b"",
            str(event.context.transfer_syntax),
            str(request.AffectedSOPClassUID),
            str(request.AffectedSOPInstanceUID),
        )
    except Unreadable as error:
        return failure(error.status, str(error))
    except OSError as error:
        return failure(0xA700, f"not stored: {error.strerror}")
    return 0x0000
