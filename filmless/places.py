"""Where results go is tried before anything is played: an hour's play must not end with "no such folder"."""

from pathlib import Path
from tempfile import TemporaryFile

from filmless.failures import BadInput


def check_places(out: Path, junit: Path | None = None) -> None:
    """A run folder that is not there yet, and a file of JUnit XML, can be written. Raises BadInput."""
    if out.exists():
        raise BadInput(f"{out} exists already: name another folder with --out, or remove it")
    _try(next(one for one in out.absolute().parents if one.exists()), f"--out {out}")
    if junit is None:
        return
    if junit.is_dir():
        raise BadInput(f"--junit {junit}: is a folder; name a file in it")
    if not junit.absolute().parent.exists():
        raise BadInput(f"--junit {junit}: there is no folder {junit.parent}; make it, or name another file")
    _try(junit if junit.exists() else junit.absolute().parent, f"--junit {junit}")


def _try(place: Path, what: str) -> None:
    """A file that is there, or a folder: root may write anywhere by the permissions, and still not everywhere."""
    try:
        with place.open("ab") if place.is_file() and what.startswith("--junit") else TemporaryFile(dir=place):
            return
    except OSError as error:
        raise BadInput(f"{what}: nothing can be written in {place}: {error.strerror}; name another") from None
