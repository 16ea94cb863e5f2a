"""Plays over TLS: the certificate is of the host's name, the version and suite are told, and plain is never tried."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from loadtest.archives import orthanc
from loadtest.archives.check import preflight
from loadtest.archives.launch import running
from loadtest.archives.target import Target
from loadtest.archives.target_file import load_target
from loadtest.play.launch import LISTENER, PlayJob, free_port, play
from loadtest.play.problems import PlayFailed, TrafficProblem
from loadtest.wire import ConnectFailed, open_association
from loadtest.wire.tls import server_context
from sim.runs.store import Run
from tests.loadtest.traffic_factory import mixed, row, write
from tests.loadtest.wire.test_wire_tls import Certificates, tls_server
from tests.loadtest.wire.wire_servers import process


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    found = Certificates(tmp_path_factory.mktemp("tls"))
    found.sign("named", "DNS:localhost")
    return found


@pytest.fixture(autouse=True)
def environment(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in certificates.environment("good").items():
        monkeypatch.setenv(name, value)


@contextmanager
def storescp(certificates: Certificates, name: str, host: str, folder: Path) -> Iterator[Target]:
    """DCMTK's storescp, which wants our certificate too; as a target file has it."""
    port = free_port()
    files = [str(certificates.folder / one) for one in (f"{name}.key", f"{name}.pem")]
    command = ["/usr/bin/storescp", "--ignore", "+tls", *files, "+cf", str(certificates.folder / "ca.pem"), str(port)]
    file = folder / "target.toml"
    file.write_text(f'name = "south"\nhost = "{host}"\nport = {port}\nae_title = "STORESCP"\ntls = true\n')
    with process(command, port, folder):
        yield load_target(file)


def played(folder: Path, target: Target, **settings: Any) -> tuple[dict[str, Any], Run]:
    rows = [row("store", 0.05 * n, n, objects=3) for n in range(4)]
    job = PlayJob(write(folder / "t.parquet", rows), target)
    result = play([job], 1.0, folder / "out", ledger="none", **settings)
    return result, Run(folder / "out")


@pytest.mark.parametrize(("name", "host"), [("good", "127.0.0.1"), ("named", "localhost")])
def test_into_dcmtk_by_the_hosts_name(certificates: Certificates, tmp_path: Path, name: str, host: str) -> None:
    """The address is pinned and the certificate is of the name (rules S1, S2, S6)."""
    with storescp(certificates, name, host, tmp_path) as target:
        assert target.address == "127.0.0.1"
        result, run = played(tmp_path, target)
    assert set(run.table("operations")["outcome"]) == {"ok"}, run.table("operations")["detail"].tolist()
    assert len(run.table("objects")) == 12
    (agreed,) = result["negotiated"]["south"]
    assert "; TLSv1." in agreed
    assert "GCM" in agreed
    assert run.manifest["negotiated"] == result["negotiated"]
    assert run.manifest["targets"]["south"]["tls"] is True


def test_a_certificate_of_another_name_ends_before_the_play(certificates: Certificates, tmp_path: Path) -> None:
    with (
        storescp(certificates, "good", "localhost", tmp_path) as target,
        pytest.raises(PlayFailed, match="certificate of localhost is not accepted: Hostname mismatch"),
    ):
        played(tmp_path, target)
    assert not (tmp_path / "out").exists()


def test_plain_is_never_tried(tmp_path: Path) -> None:
    """All that an archive without TLS ever hears are handshakes (record type 16H, RFC 8446 5.1)."""
    with archive_that_listens() as (target, heard):
        with pytest.raises(PlayFailed, match=r"DICOM: TLS with 127.0.0.1 failed.* The port must speak TLS 1.2 or 1.3"):
            played(tmp_path, target, connect_s=1.0)
        results = preflight(target)
    assert {one.outcome for one in results} == {"failed", "not asked"}
    assert "FILMLESS_TLS_CA" in results[0].mend
    assert set(heard) == {b"\x16"}


@contextmanager
def archive_that_listens() -> Iterator[tuple[Target, list[bytes]]]:
    """A target with `tls = true` behind which a plain archive hangs up; and each connection's first byte."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    with door.accept()[0] as talk:
                        heard.append(talk.recv(1))

        threading.Thread(target=serve, daemon=True).start()
        yield Target(name="south", port=door.getsockname()[1], ae_title="X", tls=True), heard


def test_a_window_over_tls_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    target = Target(name="south", port=free_port(), ae_title="X", tls=True)
    with pytest.raises(TrafficProblem, match="async_window over TLS, which 'south' speaks"):
        played(tmp_path, target, async_window=2)


URLS = ("base_url", "statistics_url")


@contextmanager
def in_front(context: ssl.SSLContext, port: int) -> Iterator[int]:
    """TLS before a plain port, as a hospital's proxy has it: Debian's Orthanc dies when it is to do it itself."""

    def pipe(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while piece := one.recv(65536):
                other.sendall(piece)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def serve() -> None:
        while True:
            try:
                talk = door.accept()[0]
            except OSError:
                return
            with suppress(OSError):
                safe, plain = context.wrap_socket(talk, server_side=True), socket.create_connection(("127.0.0.1", port))
                for pair in ((safe, plain), (plain, safe)):
                    threading.Thread(target=pipe, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=serve, daemon=True).start()
        yield door.getsockname()[1]


def test_everything_of_an_orthanc_over_tls(
    certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The play by both doors, its final read, the comparison of what comes back, and the pre-flight: all by TLS."""
    plain, files = orthanc.configuration, certificates.folder
    monkeypatch.setattr(orthanc, "configuration", lambda *given: plain(*given) | {
        "DicomTlsEnabled": True, "DicomTlsCertificate": str(files / "good.pem"),
        "DicomTlsPrivateKey": str(files / "good.key"), "DicomTlsTrustedCertificates": str(files / "ca.pem"),
    })  # fmt: skip
    context = server_context(certificates.environment("good"))
    with (
        running("orthanc", "south", {LISTENER: ("127.0.0.1", free_port())}) as started,
        in_front(context, urlsplit(started.base_url).port or 0) as port,
    ):
        urls = {name: f"https://127.0.0.1:{port}{urlsplit(getattr(started, name)).path}" for name in URLS}
        target = started.model_copy(update={"tls": True, "restricted": True, **urls})
        file = write(tmp_path / "t.parquet", mixed())
        result = play([PlayJob(file, target)], 1.0, tmp_path / "out", verify_hashes=1.0)
        results = {one.service: one.outcome for one in preflight(target)}
    assert result["verdict"] == "PASS", result["reasons"]
    agreed = result["negotiated"]["south"]
    assert all("; TLSv1." in words or words.startswith("DICOMweb: TLSv1.") for words in agreed)
    assert any(words.startswith("DICOMweb: ") for words in agreed)
    ledger = Run(tmp_path / "out").table("ledger")
    for column in ("found_cfind", "found_qido", "retrieved", "equal"):
        assert (ledger[column] == ledger["planned"]).all(), column
    assert {results[name] for name in ("echo", "store", "find", "get", "move", "stow", "wado")} == {"ok"}


@pytest.mark.parametrize("restricted", [False, True])
def test_restricted_leaves_no_other_suite(certificates: Certificates, restricted: bool) -> None:
    context = server_context(certificates.environment("good"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+CHACHA20")
    with tls_server(context, b"") as port:
        target = Target(name="x", port=port, ae_title="X", tls=True, restricted=restricted)
        with pytest.raises(Exception) as error:  # noqa: PT011  (which one is what is asked)
            open_association(target.peer(), "A", [("1.2.840.10008.1.1", ["1.2.840.10008.1.2"])])
    assert isinstance(error.value, ConnectFailed) == restricted


def test_restricted_needs_tls() -> None:
    with pytest.raises(ValueError, match="there is none without tls = true or an https URL"):
        Target(name="x", port=104, ae_title="X", restricted=True)
