"""TLS with DCMTK, our listener and an HTTPS server; old versions, expired, foreign and wrong certificates."""

import socket
import ssl
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from loadtest.wire import ConnectFailed, DicomWeb, Peer, StoreListener, Timeouts, WireError, open_association
from loadtest.wire.tls import CA, CERTIFICATE, KEY, KEY_PASSWORD, client_context, server_context
from tests.loadtest.wire.wire_servers import CT, EXPLICIT, QUICK, STUDY, dataset, encoded, free_port, process

STORESCP_TLS = ["/usr/bin/storescp", "--ignore", "+tls", "good.key", "good.pem", "+cf", "ca.pem"]
NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class Certificates:
    """An authority of our own and what it signs, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run("req", "-x509", *NEW_KEY, "-keyout", "ca.key", "-out", "ca.pem", "-days", "3", "-subj", "/CN=Test CA")
        self.sign("good", "IP:127.0.0.1")
        self.sign("expired", "IP:127.0.0.1", days=-1)
        self.sign("wrong-name", "DNS:elsewhere.invalid")
        self.run(
            *("req", "-x509", *NEW_KEY, "-keyout", "alone.key", "-out", "alone.pem", "-days", "3"),
            *("-subj", "/CN=alone", "-addext", "subjectAltName=IP:127.0.0.1"),
        )

    def run(self, *arguments: str) -> None:
        subprocess.run(["/usr/bin/openssl", *arguments], cwd=self.folder, check=True, capture_output=True, timeout=20)

    def sign(self, name: str, alternative: str, days: int = 3) -> None:
        """A key, and a certificate of the authority for it."""
        alternative = f"subjectAltName={alternative}"
        request = ["-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}", "-addext", alternative]
        self.run("req", "-new", *NEW_KEY, *request)
        authority = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-copy_extensions", "copy"]
        self.run("x509", "-req", "-in", f"{name}.csr", *authority, "-days", str(days), "-out", f"{name}.pem")

    def environment(self, name: str = "", authority: str = "ca") -> dict[str, str]:
        """Variables as a user would set them."""
        found = {CA: str(self.folder / f"{authority}.pem")} if authority else {}
        if name:
            found |= {CERTIFICATE: str(self.folder / f"{name}.pem"), KEY: str(self.folder / f"{name}.key")}
        return found


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("tls"))


def store(peer: Peer, context: ssl.SSLContext) -> str:
    with open_association(peer, "TESTER", [(CT, [EXPLICIT])], timeouts=QUICK, tls=context) as link:
        raw = encoded(dataset(0, pixels=262144))
        assert link.store(CT, dataset(0).SOPInstanceUID, EXPLICIT, (raw[:300], memoryview(raw)[300:])).status == 0
        return link.security


@pytest.mark.parametrize("restricted", [False, True])
def test_into_dcmtk_with_mutual_certificates(certificates: Certificates, restricted: bool) -> None:
    port = free_port()
    with process([*STORESCP_TLS, str(port)], port, certificates.folder):
        context = client_context(certificates.environment("good"), restricted=restricted)
        assert "GCM" in store(Peer("127.0.0.1", port, "ANY"), context)


def test_into_our_listener(certificates: Certificates) -> None:
    with StoreListener("MOVER", tls=server_context(certificates.environment("good", authority=""))) as listener:
        assert store(Peer("127.0.0.1", listener.port, "MOVER"), client_context(certificates.environment())) != ""
        assert listener.studies[STUDY].objects == 1
        with pytest.raises(ConnectFailed, match="not accepted"):
            store(Peer("127.0.0.1", listener.port, "MOVER"), client_context({}))
        with socket.create_connection(("127.0.0.1", listener.port)) as plain:
            plain.sendall(b"\x01\0\0\0\0\0")
            plain.settimeout(3)
            with suppress(ConnectionError):
                assert plain.recv(100)[:1] != b"\x03"  # a TLS alert, or nothing: never a plain answer
        peer, context = Peer("127.0.0.1", listener.port, "MOVER"), client_context(certificates.environment())
        link = open_association(peer, "A", [(CT, [EXPLICIT])], tls=context)
        listener.stop()
        with pytest.raises(WireError):
            link.store(CT, "1.2", EXPLICIT, (encoded(dataset(0)),))
        assert listener.strangers.total() >= 2


def test_a_listener_that_wants_a_certificate(certificates: Certificates) -> None:
    with StoreListener("MOVER", tls=server_context(certificates.environment("good"))) as listener:
        peer = Peer("127.0.0.1", listener.port, "MOVER")
        assert store(peer, client_context(certificates.environment("good")))
        for name in ("", "alone"):
            with pytest.raises(WireError):
                store(peer, client_context(certificates.environment(name)))


@contextmanager
def tls_server(context: ssl.SSLContext, answer: bytes) -> Iterator[int]:
    """Shakes hands, reads once, says `answer`."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            try:
                while True:
                    talk, _ = door.accept()
                    try:
                        with context.wrap_socket(talk, server_side=True) as safe:
                            safe.recv(65536)
                            safe.sendall(answer)
                    except OSError:
                        talk.close()
            except OSError:
                return

        threading.Thread(target=serve, daemon=True).start()
        yield door.getsockname()[1]


def dimse(port: int, context: ssl.SSLContext) -> object:
    return open_association(Peer("127.0.0.1", port, "X"), "A", [(CT, [EXPLICIT])], timeouts=QUICK, tls=context)


def https(port: int, context: ssl.SSLContext) -> object:
    with DicomWeb(f"https://127.0.0.1:{port}", QUICK, tls=context, environment={}) as web:
        status = web.qido("studies", {})[1].status
        assert web.security.startswith("TLSv1.3 ")
        return status


BOTH = pytest.mark.parametrize("act", [dimse, https])
Act = Callable[[int, ssl.SSLContext], object]


@BOTH
@pytest.mark.parametrize(
    ("name", "reason"),
    [("expired", "expired"), ("wrong-name", "IP address mismatch"), ("alone", "self-signed")],
)
def test_certificates_that_are_refused(certificates: Certificates, name: str, reason: str, act: Act) -> None:
    context = server_context(certificates.environment(name, authority=""))
    with tls_server(context, b"") as port, pytest.raises(ConnectFailed, match=reason) as caught:
        act(port, client_context(certificates.environment()))
    assert not caught.value.unknown


@BOTH
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_refused(certificates: Certificates, version: ssl.TLSVersion, act: Act) -> None:
    context = server_context(certificates.environment("good", authority=""))
    with warnings.catch_warnings(action="ignore"):  # Python warns of what is tested here
        context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")
    with tls_server(context, b"") as port, pytest.raises(ConnectFailed, match=r"TLS with 127\.0\.0\.1 failed"):
        act(port, client_context(certificates.environment()))


@BOTH
def test_a_plain_server_is_no_tls_server(certificates: Certificates, scripted: Callable[..., Peer], act: Act) -> None:
    peer = scripted(lambda talk: talk.sendall(b"HTTP/1.1 200 OK\r\n\r\n"))
    with pytest.raises(ConnectFailed):
        act(peer.port, client_context(certificates.environment()))


def test_a_silent_server_ends_the_handshake(certificates: Certificates) -> None:
    context = client_context(certificates.environment())
    with socket.create_server(("127.0.0.1", 0)) as door:
        peer = Peer("127.0.0.1", door.getsockname()[1], "X")
        with pytest.raises(ConnectFailed):
            open_association(peer, "A", [(CT, [EXPLICIT])], timeouts=Timeouts(0.3, 1, 1), tls=context)


def test_https(certificates: Certificates) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/dicom+json\r\nContent-Length: 2\r\n\r\n[]"
    context = server_context(certificates.environment("good", authority=""))
    with tls_server(context, answer) as port:
        assert https(port, client_context(certificates.environment())) == 200


def test_files_that_cannot_be_used(certificates: Certificates, tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("nothing")
    with pytest.raises(ValueError, match=CA):
        client_context({CA: str(tmp_path / "no.pem")})
    with pytest.raises(ValueError, match=CERTIFICATE) as caught:
        client_context({CERTIFICATE: str(tmp_path / "no.pem"), KEY_PASSWORD: "planted"})
    assert "planted" not in str(caught.value)
    with pytest.raises(ValueError, match="is not set"):
        server_context({})
    with pytest.raises(ValueError, match="no usable pair"):
        client_context(certificates.environment("good") | {KEY: str(certificates.folder / "alone.key")})


def test_a_process_has_one_context_for_a_set_of_files(certificates: Certificates, tmp_path: Path) -> None:
    mine = tmp_path / "ca.pem"
    mine.write_bytes((certificates.folder / "ca.pem").read_bytes())
    first = client_context({CA: str(mine)})
    assert client_context({CA: str(mine)}) is first
    assert client_context({CA: str(mine)}, restricted=True) is not first
    one, two = (DicomWeb("https://127.0.0.1/", QUICK, environment={}) for _ in range(2))
    assert one._http.tls is two._http.tls is client_context({})
    mine.write_bytes((certificates.folder / "alone.pem").read_bytes())
    again = client_context({CA: str(mine)})
    assert [c["subject"] for c in again.get_ca_certs()] == [((("commonName", "alone"),),)]


def test_beside_a_given_authority_the_systems_are_not_even_read(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> None:
        raise AssertionError("the system's authorities are read")

    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", read)
    context = client_context(certificates.environment("wrong-name"))
    assert [c["subject"] for c in context.get_ca_certs()] == [((("commonName", "Test CA"),),)]


@pytest.mark.parametrize("restricted", [False, True])
def test_no_suite_has_a_finite_field_exchange(certificates: Certificates, restricted: bool) -> None:
    for context in (
        client_context({}, restricted=restricted),
        server_context(certificates.environment("good"), restricted=restricted),
    ):
        names = [suite["name"] for suite in context.get_ciphers()]
        assert all(name.startswith(("TLS_", "ECDHE-")) for name in names), names  # TLS_: of version 1.3


UNDER_GEVENT = """
import sys
from pathlib import Path
from gevent import monkey
monkey.patch_all()
from tests.loadtest.wire.test_wire_tls import STORESCP_TLS, Certificates, store
from tests.loadtest.wire.wire_servers import free_port, process
from loadtest.wire import Peer
from loadtest.wire.tls import client_context

folder, port = Path(sys.argv[1]), free_port()
certificates = Certificates(folder)
with process([*STORESCP_TLS, str(port)], port, folder):
    print(store(Peer("127.0.0.1", port, "ANY"), client_context(certificates.environment("good"))))
"""


def test_into_dcmtk_under_gevent(tmp_path: Path) -> None:
    """gevent's TLS sockets take a buffer's length as it is given: 0 is nothing, and not all of it."""
    done = subprocess.run(
        [sys.executable, "-c", UNDER_GEVENT, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "GCM" in done.stdout
