"""LibreOffice without a window: conversion to ODS, and a forced recalculation (it shows stored results otherwise)."""

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from filmless.failures import Failed

ALWAYS = 0  # of OOXMLRecalcMode: recalculate when a file is opened
TIMEOUT_S = 300
_PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>{mode}
</value></prop></item></oor:items>
"""


def soffice() -> str:
    """The command.

    Raises:
        Failed: it is not on this machine.
    """
    found = shutil.which("soffice") or shutil.which("libreoffice")
    if not found:
        raise Failed("LibreOffice is needed to write ODS and is not on this machine: "
                     "apt-get install libreoffice-calc-nogui; --xlsx needs none")  # fmt: skip
    return found


def convert(path: Path, kind: str, folder: Path) -> Path:
    """The file as `kind` (ods, xlsx, csv) in a folder, every formula computed anew.

    Raises:
        Failed: LibreOffice is missing, or did not write the file; says what it said.
    """
    command = soffice()
    with TemporaryDirectory(prefix="filmless-office-") as profile:
        user = Path(profile) / "user"
        user.mkdir()
        (user / "registrymodifications.xcu").write_text(_PROFILE.format(mode=ALWAYS).replace("\n</value>", "</value>"))
        words = [command, "--headless", "--norestore", f"-env:UserInstallation=file://{profile}", "--convert-to", kind,
                 "--outdir", str(folder), str(path)]  # fmt: skip
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"LibreOffice took more than {TIMEOUT_S} s over {path}") from error
    out = folder / f"{path.stem}.{kind}"
    if not out.is_file():
        raise Failed(f"LibreOffice wrote no {out}: {(done.stderr or done.stdout).strip()}")
    return out
