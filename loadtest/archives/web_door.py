"""The DICOMweb door of a target: at the address that its host stood for, under the name that its URL has (rule S6)."""

from functools import lru_cache
from urllib.parse import urlsplit

from loadtest.archives.addresses import kind, resolve
from loadtest.archives.target import Target
from loadtest.wire import ConnectFailed, DicomWeb, TcpProfile, Timeouts


def open_web(target: Target, timeouts: Timeouts, profile: TcpProfile = TcpProfile.TUNED) -> DicomWeb:
    """A client of the target's DICOMweb root; nothing is sent yet.

    Raises ConnectFailed where its name leads nowhere, or out of the network that was agreed to; ValueError for
    credentials or TLS files that cannot be used.
    """
    return DicomWeb(target.base_url, timeouts, profile=profile, tls=target.web_tls(), address=web_address(target))


def web_address(target: Target) -> str:
    """The pinned address of the DICOMweb root's host; "" where the target has no address pinned."""
    host = urlsplit(target.base_url).hostname or ""
    if not target.address:
        return ""
    if host == target.host.lower():
        return target.address
    address, agreed = _once(host), target.consent.network if target.consent else "loopback"
    if kind(address) != agreed:
        raise ConnectFailed(f"{host} is {address} now, a {kind(address)} address; agreed is {agreed}")
    return address


@lru_cache(maxsize=64)
def _once(host: str) -> str:
    """Another host than the DICOM door's is resolved once in a process."""
    try:
        return resolve(host)
    except OSError as error:
        raise ConnectFailed(f"no connection to {host}: {error.strerror or error}") from error
