"""What to do about a refusal: the lines that an archive's configuration lacks, ready to paste."""

import json
from collections.abc import Sequence

from loadtest.archives.target import Destination
from loadtest.wire import (
    AssociationAborted,
    AssociationRejected,
    ConnectFailed,
    ConnectionLost,
    ContextRefused,
    PeerTimeout,
    WireError,
)
from loadtest.wire.identity import PASSCODE, USER

TLS = (
    "The port must speak TLS 1.2 or 1.3, with a certificate of the host's name from an authority that FILMLESS_TLS_CA "
    "(or the system) knows; where it asks for ours, set FILMLESS_TLS_CERTIFICATE and FILMLESS_TLS_KEY."
)
USERS = f"If it asks for its users, set {USER} and {PASSCODE} in the environment to one that it knows."
_ALLOW = {"find": "Find", "get": "Get", "move": "Move", "store": "Store"}


def orthanc_lines(known: Sequence[Destination], service: str = "") -> str:
    """Orthanc's configuration lines: our AE titles, and the switch that opens a service to every caller."""
    entries = {one.ae_title.lower(): [one.ae_title, one.host, one.port] for one in known}
    lines = f'"DicomModalities": {json.dumps(entries)}'
    switch = _ALLOW.get(service)
    return f'{lines},\n"DicomAlwaysAllow{switch}": true' if switch else lines


def dcmqrscp_lines(known: Sequence[Destination]) -> str:
    """The HostTable of DCMTK's dcmqrscp.cfg."""
    entries = [f"{one.ae_title.lower()} = ({one.ae_title}, {one.host}, {one.port})" for one in known]
    return "\n".join(("HostTable BEGIN", *entries, "HostTable END"))


def listen_mend() -> str:
    """How a target gets a C-MOVE destination."""
    entry = "[[destinations]] with ae_title, host and port to the target file, and the same three to the archive"
    return f'Add {entry} (Orthanc: "DicomModalities": {{"listener": ["LISTENER", "127.0.0.1", 11113]}}).'


def let_in(known: Sequence[Destination], service: str) -> str:
    """How to enter our AE titles in the archive's list."""
    return (
        "Enter our AE titles, each with host and port, in the archive's list of remote AE titles.\n"
        f"Orthanc, orthanc.json:\n{orthanc_lines(known, service)}\n"
        f"DCMTK, dcmqrscp.cfg:\n{dcmqrscp_lines(known)}"
    )


def mend(error: WireError, service: str, known: Sequence[Destination], echo_passed: bool) -> str:
    """What to change, from the kind of refusal. `known`: our AE title and listeners; `echo_passed`: C-ECHO worked."""
    if isinstance(error, ConnectFailed) and str(error).startswith("TLS"):
        return TLS
    if isinstance(error, ConnectFailed):
        return "Start the archive, or correct host and port in the target file; then look for a firewall between."
    if isinstance(error, PeerTimeout):
        return "The archive took the request and is silent: look at its log and load, then at a firewall between."
    if isinstance(error, AssociationRejected):
        return _mend_rejection(error, service, known)
    if isinstance(error, ContextRefused):
        return f"The archive does not offer {service} (or not in this transfer syntax): switch the service on there."
    if isinstance(error, AssociationAborted) and echo_passed:
        cause = "C-ECHO passes and this is cut off: most likely our AE title is not in the archive's list. "
        return cause + let_in(known, service)
    if isinstance(error, ConnectionLost):
        return "Something else than a DICOM archive may listen there (TLS? HTTP?): correct the port."
    return "Look at the archive's log at this moment."


def _mend_rejection(error: AssociationRejected, service: str, known: Sequence[Destination]) -> str:
    if (error.source, error.reason) == (1, 7):
        return "Correct ae_title in the target file: the archive goes by another AE title."
    if (error.source, error.reason) == (3, 2):
        return "The archive's limit of associations is reached: raise it, or play with fewer."
    if (error.source, error.reason) == (3, 1):
        return "The archive is busy: try again when it is not."
    no_reason = (error.source, error.reason) in ((1, 1), (2, 1))  # as a user is refused (PS3.7 D.3.3.7)
    return f"{let_in(known, service)}\n{USERS}" if no_reason else let_in(known, service)
