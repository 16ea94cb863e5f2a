"""The work of `filmless consent`: by which study an archive itself agrees to load (rule S5)."""

from pathlib import Path

from filmless.output import give, say
from loadtest.archives.check_consent import marker
from loadtest.archives.target_file import read_target

HOW = (
    "the archive's owner agrees by storing one study there, of any kind, with this Patient ID; before each run we look "
    "for it by C-FIND, and send nothing where it is not found"
)
NONE = "no such study is asked for: the target is on this machine and has no [consent] table"


def print_consent(file: Path, json_: bool) -> None:
    """The Patient ID of the marker study; nothing is sent, and no name resolved. Raises TargetErrors."""
    target = read_target(file)
    sign = marker(target) if target.consent else None
    if json_:
        give({"target": target.name, "host": target.host, "port": target.port, "ae_title": target.ae_title,
              "owner": target.consent.owner if target.consent else None, "patient_id": sign,
              "how": HOW if sign else NONE})  # fmt: skip
        return
    if sign:
        print(sign)
    say(f"archive '{target.name}' ({target.host}:{target.port}, {target.ae_title}): {HOW if sign else NONE}")
