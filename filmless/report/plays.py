"""Each play of the measured runs with its verdict beside its figures, and which plays may be pooled.

A play is one run's traffic against one archive. Plays are repetitions of each other, and have a figure together, only
where archive, settings, speed, traffic and verdict are the same; anything else is shown one by one.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from filmless.report.measured import Measured, archive_name, parts_of
from filmless.report.simulated import KeptRun
from filmless.report.tables import records
from filmless.report.words import clean, duration_unit, ranged, short_duration

KINDS = {"store": "store a study, p95", "retrieve": "retrieve a study, p95"}
PLAIN = {"transfer_syntax": "explicit", "association": "kept", "async_window": 1, "view_by": "instances",
         "shape": False, "workers": 0, "commit": False, "verify_hashes": 0.0, "kill_at": None,
         "faults": False}  # fmt: skip
OF_NO_ACCOUNT = ("web", "web_port", "join_s", "master")  # settings that change no latency
UNTRUSTED = "INVALID: the measurement cannot be trusted, do not use its numbers"


@dataclass(frozen=True)
class Play:
    """One run against the archive of one cluster; `number` is the run's place in the report."""

    number: int
    run: KeptRun
    cluster: str

    @property
    def archive(self) -> str:
        """What was measured."""
        return archive_name(parts_of(self.run, "targets").get(self.cluster, {}))

    @property
    def verdict(self) -> str:
        """PASS, FAIL or INVALID; a measurement that is not the archive's is INVALID, whatever else was said."""
        said = [clean(str(self.run.manifest.get(key, ""))) for key in ("measurement", "verdict")]
        return "INVALID" if "INVALID" in said else said[1] or "not recorded"

    @property
    def words(self) -> str:
        """The verdict in a sentence, with the gravest reason."""
        m = self.run.manifest
        if m.get("measurement") == "INVALID":
            return "; ".join([UNTRUSTED, *map(clean, map(str, m.get("reasons", [])[:1]))])
        line = clean(str(m.get("verdict_line") or self.verdict))
        held = "" if ":" in line else ": held to no threshold, everything was done and found"
        if self.verdict == "PASS":
            return line + held
        return ". ".join([line, *map(clean, map(str, m.get("reasons", [])[:1]))])

    @property
    def setting(self) -> str:
        """Speed and what is not as usual."""
        m, settings = self.run.manifest, parts_of(self.run, "settings")
        other = [f"{name.replace('_', ' ')}{'' if settings[name] is True else f' {settings[name]}'}"
                 for name, usual in PLAIN.items() if settings.get(name, usual) != usual]  # fmt: skip
        scale = [clean(str(m["scale"]))] if m.get("scale") else []
        return ", ".join([f"{m.get('speed', 1):g} times real speed", f"TCP {clean(str(m.get('tcp_profile', '')))}",
                          *scale, *other])  # fmt: skip

    @property
    def kind(self) -> tuple[str, ...]:
        """What plays have in common that may be pooled over clusters: all but the traffic."""
        settings = {k: v for k, v in parts_of(self.run, "settings").items() if k not in OF_NO_ACCOUNT}
        return self.archive, self.setting, json.dumps(settings, sort_keys=True), self.verdict

    @property
    def traffic(self) -> str:
        """The traffic's hash; the window's start where a run does not tell it."""
        found = parts_of(self.run, "traffic") or parts_of(self.run, "starts")
        return str(found.get(self.cluster, ""))


def plays_of(measured: Measured) -> list[Play]:
    """All plays, in the order of the runs."""
    return [Play(i, run, str(c)) for i, run in enumerate(measured.runs)
            for c in parts_of(run, "targets") or run.manifest.get("clusters", [])]  # fmt: skip


def why_apart(plays: Sequence[Play]) -> str:
    """Why these plays have no figure together; '' where they are one kind of play, each that can be trusted."""
    if any(one.run.manifest.get("measurement") == "INVALID" for one in plays):
        return "a measurement that cannot be trusted has no figure here"
    traffic = {(one.cluster, one.traffic) for one in plays}
    same = len({one.kind for one in plays}) <= 1 and len(traffic) == len({one.cluster for one in plays})
    return "" if same else "they differ in archive, settings, traffic or verdict, so they have no figure together"


def tally(plays: Sequence[Play]) -> str:
    """How many plays had which verdict: 2 PASS, 1 FAIL."""
    counts = pd.Series([one.verdict for one in plays]).value_counts(sort=False)
    return ", ".join(f"{n} {word}" for word, n in counts.items())


def plays_table(measured: Measured) -> pd.DataFrame:
    """A row a play: run, cluster, archive, how, its verdict in words, and p95 of storing and retrieving."""
    found: dict[tuple[int, str, str], dict[str, Any]] = {}
    if measured:
        rows = records(measured.table("p95", ["run", "cluster", "kind"]))
        found = {(r["run"], str(r["cluster"]), str(r["kind"])): r for r in rows}
    return pd.DataFrame([{
        "play": clean(one.run.folder.name), "cluster": clean(one.cluster), "archive": one.archive, "how": one.setting,
        "verdict": one.words,
        **{head: _figure(found.get((one.number, one.cluster, kind))) for kind, head in KINDS.items()},
    } for one in plays_of(measured)])  # fmt: skip


def _figure(row: dict[str, Any] | None) -> str:
    if row is None:
        return "not played"
    if row["value"] != row["value"]:
        return f"slowest of {row['n']:,}: {short_duration(row['slowest'])}"
    size, _ = duration_unit(row["value"])
    flag = "" if row["enough"] == "yes" else " [u]"
    return f"{short_duration(row['value'])}{flag} ({ranged(row['low'] / size, row['high'] / size)}; n {row['n']:,})"
