"""The work of `filmless cleanup`: what a play has sent, as a list by which it can be removed (rule S9)."""

from dataclasses import asdict
from pathlib import Path

from filmless.output import counted, give, say
from loadtest.play.sent import SentTo, sent_of


def print_sent(folder: Path, json_: bool) -> None:
    """Study Instance UIDs to stdout, one a line; of which archive, to stderr. Nothing is removed."""
    found = sent_of(folder)
    if json_:
        give({"run": str(folder), "archives": [asdict(one) for one in found]})
        return
    for one in found:
        say(_words(one))
        for uid in one.studies:
            print(uid)
    say("nothing was removed: docs/playing.md says how an archive is asked to")


def _words(one: SentTo) -> str:
    place = f"archive '{one.archive}' ({one.host}:{one.port}, {one.ae_title})"
    if not one.studies:
        return f"{place}: nothing was sent"
    gone = "; this program had started it, and its store went with it" if one.ours else ""
    return (
        f"{place}: {counted(len(one.studies), 'study', 'studies')} sent, whole or in part; Study Instance UIDs begin "
        f"with {one.uid_root}. and accession numbers are {one.accession_prefix} and 12 digits{gone}"
    )
