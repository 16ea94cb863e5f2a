"""How it is sent: PDUs, associations, TCP profiles, DICOMweb."""

from loadtest.wire.association import Association, open_association
from loadtest.wire.dicomweb import DicomWeb
from loadtest.wire.errors import (
    AssociationAborted,
    AssociationRejected,
    ConnectFailed,
    ConnectionLost,
    ContextRefused,
    PeerTimeout,
    ProtocolError,
    WireError,
)
from loadtest.wire.identity import UserIdentity, identity_from
from loadtest.wire.listener import StoreListener
from loadtest.wire.repeated import Repeated
from loadtest.wire.reply import Reply
from loadtest.wire.settings import Peer, TcpProfile, Timeouts
from loadtest.wire.sinks import CountingSink, Sink
from loadtest.wire.web_reply import WebReply

__all__ = [
    "Association",
    "AssociationAborted",
    "AssociationRejected",
    "ConnectFailed",
    "ConnectionLost",
    "ContextRefused",
    "CountingSink",
    "DicomWeb",
    "Peer",
    "PeerTimeout",
    "ProtocolError",
    "Repeated",
    "Reply",
    "Sink",
    "StoreListener",
    "TcpProfile",
    "Timeouts",
    "UserIdentity",
    "WebReply",
    "WireError",
    "identity_from",
    "open_association",
]
