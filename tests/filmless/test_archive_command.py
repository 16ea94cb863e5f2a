"""`filmless archive` on bad input: one line that names port or option and what to choose, exit code 2."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from filmless.archive_command import run_archive
from filmless.failures import BadInput
from tests.filmless.test_cli import filmless


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen(1)
        yield int(other.getsockname()[1])


@pytest.mark.parametrize(("option", "what"), [("--port", "DICOM"), ("--http-port", "DICOMweb")])
def test_a_port_in_use_is_named_with_the_free_choice(taken: int, option: str, what: str) -> None:
    ports = {"--port": 0, "--http-port": 0, option: taken}
    says = (
        f"{option}: {what} port {taken} is in use by another program; choose another with {option}, or 0 for a free one"
    )
    with pytest.raises(BadInput, match=says):
        run_archive("memory", ports["--port"], ports["--http-port"], "FILMLESS", None)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("--port", "99999"),
            "--port 99999: a port is from 1 to 65535; choose another with --port, or 0 for a free one",
        ),
        (("--mode", "model", "--law", "foo=1"), "--law foo: allowed are servers, overhead_ms"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(words: tuple[str, ...], says: str) -> None:
    told = filmless("archive", *words, code=2).stderr
    assert says in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            ("memory", 0, 0, "FILMLESS", Path("x")),
            "--mode memory keeps nothing on a disk: --folder goes with --mode disk",
        ),
        (("memory", 0, 0, "A" * 17, None), "--ae AAAAAAAAAAAAAAAAA: "),
        (("memory", 4242, 4242, "FILMLESS", None), "both 4242: give each its own"),
        (("tape", 0, 0, "FILMLESS", None), "--mode tape: must be one of memory, disk, null, model"),
    ],
)
def test_other_mistakes(given: tuple[str, int, int, str, Path | None], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        run_archive(*given)
