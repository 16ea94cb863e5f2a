"""The simulation: what there is, how long everything takes, what it means."""

import os
from hashlib import blake2b
from pathlib import Path


def _cache_folder() -> Path:
    """Where numba keeps what it compiled, named after the sources of all compiled loops.

    numba looks at the file of a loop, not at the files of the loops that it calls: with one folder for all versions, a
    changed inner loop would go on living in the machine code of the outer ones.
    """
    here, digest = Path(__file__).parent, blake2b(digest_size=8)
    for path in sorted(here.rglob("*.py")):
        source = path.read_bytes()
        if b"@njit" in source or b"@intrinsic" in source:
            digest.update(source)
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "filmless" / f"compiled-{digest.hexdigest()}"


os.environ.setdefault("NUMBA_CACHE_DIR", str(_cache_folder()))
