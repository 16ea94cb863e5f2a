"""StoreListener: the destination of C-MOVE, which counts what an archive sends and keeps none of it."""

import socket
import ssl
import threading
from collections import Counter
from collections.abc import Container
from contextlib import suppress
from types import TracebackType
from typing import Self

from loadtest.wire.acceptor import Acceptor, Refusal
from loadtest.wire.arrivals import Arrival, Arrivals
from loadtest.wire.channel import Channel, apply
from loadtest.wire.commitment import Report, Reports
from loadtest.wire.door import connections
from loadtest.wire.negotiation import Request
from loadtest.wire.settings import DEFAULT_TIMEOUTS, TcpProfile, Timeouts, check_ae_title, check_max_pdu

LOOPBACK = ("127.0.0.1", "::1")
WRONG_CALLING = "wrong calling AE title"


class StoreListener:
    """Listens on one interface; takes associations to its AE title from the given addresses only.

    `calling_ae`: the archive's AE title, "" = any. `uid_prefix`: studies whose UID starts otherwise are refused (0124).
    `only_expected`: nothing is taken but studies named by `expect`, and no association while there is none (rule Z8).
    `hashing`: sha256 of each data set. Use it as a context manager; `port` 0 takes a free one.
    """

    def __init__(
        self,
        ae_title: str,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        calling_ae: str = "",
        allowed_hosts: tuple[str, ...] = LOOPBACK,
        uid_prefix: str = "",
        only_expected: bool = False,
        hashing: bool = False,
        profile: TcpProfile = TcpProfile.TUNED,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        max_pdu: int = 131072,
        most_associations: int = 64,
        most_studies: int = 100_000,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.ae_title, self.calling_ae = check_ae_title(ae_title), calling_ae.strip()
        self.allowed_hosts = allowed_hosts
        self.profile, self.timeouts, self.max_pdu = profile, timeouts, check_max_pdu(max_pdu)
        self.most_associations, self.tls = most_associations, tls
        self.arrivals = Arrivals(lambda u: u.startswith(uid_prefix), only_expected, hashing, most_studies)
        self.reports = Reports()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._stopping = False
        self._socket = socket.create_server((host, port), backlog=128, family=_family(host))
        self.host, self.port = host, int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, name=f"listener {ae_title}", daemon=True)

    @property
    def studies(self) -> dict[str, Arrival]:
        """Study Instance UID -> what has arrived of it."""
        return self.arrivals.studies

    @property
    def strangers(self) -> Counter[str]:
        """What was turned away, by cause."""
        return self.arrivals.strangers

    @property
    def objects(self) -> int:
        """Different objects received in all studies that are remembered."""
        return sum(a.objects for a in list(self.studies.values()))

    def expect(self, study_uid: str, instances: Container[str] | None = None) -> Arrival:
        """Start counting a study afresh; call before the C-MOVE, and `forget` after it.

        `instances`: the only SOP instances that are taken and counted; None = whatever comes of the study.
        """
        return self.arrivals.expect(study_uid, instances)

    def forget(self, study_uid: str) -> None:
        """Drop a study's record."""
        self.arrivals.forget(study_uid)

    def wait(self, study_uid: str, objects: int, timeout_s: float) -> bool:
        """Wait until so many objects of a study have come, the same or others; False when `timeout_s` ended first."""
        arrival = self.studies.get(study_uid) or self.expect(study_uid)
        return self.arrivals.wait(arrival, objects, timeout_s)

    def expect_report(self, transaction_uid: str) -> None:
        """Let in the storage commitment report of this transaction; call before asking for it."""
        self.reports.expect(transaction_uid)

    def wait_report(self, transaction_uid: str, timeout_s: float) -> Report | None:
        """The storage commitment report, or None when it has not come in time."""
        return self.reports.wait(transaction_uid, timeout_s)

    def _accept(self) -> None:
        for sock, address in connections(self._socket, lambda: self._stopping, self.arrivals.turn_away):
            if cause := self._unwelcome(address):
                self.arrivals.turn_away(cause)
                sock.close()
            else:
                self._serve(sock)

    def _unwelcome(self, address: str) -> str:
        """Why a connection is closed before a word is said; "" = welcome. Double the limit leaves room to reject."""
        if address not in self.allowed_hosts:
            return "connection from another address"
        return "more connections than allowed" if len(self._open) >= 2 * self.most_associations else ""

    def _serve(self, sock: socket.socket) -> None:
        thread = threading.Thread(target=self._run, args=(sock,), name=f"association of {self.ae_title}", daemon=True)
        with self._lock:  # started before stop() can see it: a thread that was not started cannot be joined
            self._open[sock] = thread
            try:
                thread.start()
            except RuntimeError:
                self.arrivals.turn_away("no thread could be started for a connection")
                del self._open[sock]
                sock.close()

    def _run(self, sock: socket.socket) -> None:
        try:
            apply(sock, self.profile)
            sock = self._secured(sock)
            channel = Channel(sock, self.profile, self.timeouts, self.max_pdu)
            Acceptor(channel, self.arrivals, self.reports, self._admit).serve()
        except OSError as error:  # the TLS handshake failed, or the peer has gone already
            self.arrivals.turn_away(f"no connection: {type(error).__name__}")
            sock.close()
        finally:
            with self._lock:
                self._open.pop(sock, None)

    def _secured(self, sock: socket.socket) -> socket.socket:
        """The socket after the TLS handshake, in the list of open ones in the place of the plain socket."""
        if self.tls is None:
            return sock
        sock.settimeout(self.timeouts.connect_s)
        talk = self.tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._open[talk] = self._open.pop(sock)
        try:
            talk.do_handshake()
        except OSError:
            with self._lock:
                self._open.pop(talk)
            talk.close()
            raise
        return talk

    def _admit(self, request: Request) -> Refusal | None:
        """The A-ASSOCIATE-RJ that a request deserves (PS3.8 table 9-21), or None."""
        if request.called != self.ae_title:
            return 1, 1, 7, "wrong called AE title"
        if self.calling_ae and request.calling != self.calling_ae:
            return 1, 1, 3, WRONG_CALLING
        if not self.arrivals.is_open() and not self.reports.is_outstanding():
            return 2, 1, 1, "association while nothing is outstanding"
        if len(self._open) > self.most_associations:
            return 2, 3, 2, "more associations than allowed"
        return None

    def start(self) -> None:
        """Begin to accept."""
        self._thread.start()

    def stop(self) -> None:
        """Close the door and every open connection; waits for the threads."""
        self._stopping = True
        _shut(self._socket)
        with self._lock:
            still = dict(self._open)
        for sock, thread in still.items():
            _shut(sock)
            thread.join(5.0)
        if self._thread.is_alive():
            self._thread.join(5.0)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _shut(sock: socket.socket) -> None:
    """Wake whoever blocks on the socket, then close it."""
    with suppress(OSError):  # it may not be connected any more
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()
