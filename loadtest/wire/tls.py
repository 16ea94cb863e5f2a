"""TLS for DIMSE and DICOMweb (PS3.15 annex B.12, which follows BCP 195: RFC 8996 and RFC 9325; rules S1 to S3).

TLS 1.2 at least, 1.3 first; certificate and host name are always verified; there is no way back to plain TCP.
Files are named by environment variables, so that no key stands in a command line or a run folder.
"""

import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from loadtest.wire.errors import ConnectFailed, printable

CA, CERTIFICATE, KEY, KEY_PASSWORD = (
    "FILMLESS_TLS_CA",
    "FILMLESS_TLS_CERTIFICATE",
    "FILMLESS_TLS_KEY",
    "FILMLESS_TLS_KEY_PASSWORD",
)
# TLS 1.2 suites: only ephemeral keys and authenticated encryption (RFC 9325 section 4.2). 1.3 has no others.
# None with DHE: a client cannot choose its group, the RFC recommends none, and annex B.13 forbids them where the
# length of the key cannot be set, as in Python.
SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"
RESTRICTED_SUITES = "ECDHE+AESGCM"

_contexts: dict[tuple[object, ...], ssl.SSLContext] = {}  # what has been read from files that are the same still


def client_context(environment: Mapping[str, str], *, restricted: bool = False) -> ssl.SSLContext:
    """A context that verifies the server by FILMLESS_TLS_CA (a PEM file) or the system's authorities.

    FILMLESS_TLS_CERTIFICATE and _KEY add our own certificate (mutual TLS). `restricted` leaves only AES-GCM suites,
    for annex B.13. Raises ValueError when a file cannot be used; the message names the variable, not the content.
    To read the authorities takes tens of milliseconds: a process has one context for each set of files.
    """
    files = tuple(_version(environment.get(name, "")) for name in (CA, CERTIFICATE, KEY))
    which = (*files, environment.get(KEY_PASSWORD, ""), restricted)
    if which not in _contexts:
        with _of_authorities(environment.get(CA)) as path:
            context = ssl.create_default_context(cafile=path)  # of the system only where no file is given
        _contexts[which] = _harden(context, environment, restricted)
    return _contexts[which]


def _version(path: str) -> tuple[str, int, int]:
    """A file as it is now: when it is written anew, it is read anew."""
    try:
        about = os.stat(path)
    except OSError:
        return path, 0, 0
    return path, about.st_mtime_ns, about.st_size


@contextmanager
def _of_authorities(path: str | None) -> Iterator[str | None]:
    """The file to read; an error in it names the variable."""
    try:
        yield path or None
    except OSError as error:
        raise ValueError(f"{CA}: {path!r} is not a readable PEM file of certificates") from error


def server_context(environment: Mapping[str, str], *, restricted: bool = False) -> ssl.SSLContext:
    """A listener's context from FILMLESS_TLS_CERTIFICATE and _KEY; with FILMLESS_TLS_CA clients need a certificate."""
    if not environment.get(CERTIFICATE):
        raise ValueError(f"{CERTIFICATE} is not set: a listener needs a certificate (PEM file) for TLS")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with _of_authorities(environment.get(CA)) as path:
        if path:
            context.load_verify_locations(path)
            context.verify_mode = ssl.CERT_REQUIRED
    return _harden(context, environment, restricted)


def _harden(context: ssl.SSLContext, environment: Mapping[str, str], restricted: bool) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(RESTRICTED_SUITES if restricted else SUITES)
    if path := environment.get(CERTIFICATE):
        try:
            context.load_cert_chain(path, environment.get(KEY) or None, environment.get(KEY_PASSWORD, ""))
        except OSError as error:
            raise ValueError(f"{CERTIFICATE}, {KEY}: no usable pair of PEM files ({type(error).__name__})") from error
    return context


def secure(sock: socket.socket, context: ssl.SSLContext, host: str, timeout_s: float) -> ssl.SSLSocket:
    """Shake hands as client within `timeout_s`; raises ConnectFailed with the reason, the socket closed."""
    try:
        sock.settimeout(timeout_s)
        return context.wrap_socket(sock, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        sock.close()
        raise ConnectFailed(f"TLS: the certificate of {host} is not accepted: {error.verify_message}") from error
    except OSError as error:
        sock.close()
        reason = getattr(error, "reason", None) or error.strerror or str(error)
        raise ConnectFailed(f"TLS with {host} failed: {printable(reason)}") from error


def security(sock: socket.socket) -> str:
    """Negotiated version and suite for the manifest (rule S2), such as "TLSv1.3 TLS_AES_256_GCM_SHA384"; "" = plain."""
    if not isinstance(sock, ssl.SSLSocket):
        return ""
    suite = sock.cipher()
    return f"{sock.version()} {suite[0] if suite else 'no suite'}"
