"""Can this measurement be trusted, and was anything lost? Words, with reasons (rules L2, L4, L6, L9, F1, F2)."""

from typing import Any

import pandas as pd

LAG_P99_S = 0.1  # a generator that starts later than this is measuring itself
CPU_SHARE = 0.9  # of one core
FEWEST = 0.99  # achieved of planned


def _reasons(play: pd.DataFrame, seen: dict[str, Any]) -> list[str]:
    started = play[play["start_s"].notna()]
    lag = float(started["lag_s"].quantile(0.99)) if len(started) else float("inf")
    dropped = int((play["outcome"] == "dropped").sum())
    out = []
    if lag > LAG_P99_S:
        out.append(f"lag p99 of {1000 * lag:.0f} ms is over {1000 * LAG_P99_S:.0f} ms: the generator was late")
    if dropped:
        out.append(f"{dropped} of {len(play)} operations were dropped: generator too small or archive too slow")
    if seen["cpu_share"] > CPU_SHARE:
        out.append(f"the generator used {100 * seen['cpu_share']:.0f} % of a core: it was the limit itself")
    return out


def _lost(book: pd.DataFrame, counts: dict[str, int | None]) -> list[str]:
    states = book["state"].value_counts().to_dict()
    out = [f"{n} studies {state}" for state, n in sorted(states.items()) if state not in ("stored", "recovered")]
    for cluster, count in counts.items():
        sent = int(book.loc[book["cluster"] == cluster, "answered"].sum())
        if count is not None and count != sent:
            out.append(f"{cluster}: the archive counts {count:,} instances, acknowledged were {sent:,}")
    return out


def health(frame: pd.DataFrame, book: pd.DataFrame, counts: dict[str, int | None], seen: dict[str, Any]) -> dict[str, Any]:
    """verdict PASS, FAIL (something was lost or failed) or INVALID (the generator was the limit), with the reasons.

    No threshold on latency is judged here.
    """
    play = frame[frame["phase"] == "play"]
    invalid = _reasons(play, seen)
    wrong = _lost(book, counts)
    failed = int(play["outcome"].isin(["refused", "failed", "unknown"]).sum())
    if failed:
        wrong.append(f"{failed} of {len(play)} operations failed")
    started = play[play["start_s"].notna()]
    return {
        "verdict": "INVALID" if invalid else "FAIL" if wrong else "PASS", "reasons": [*invalid, *wrong],
        "planned": len(play), "done": int((play["outcome"] == "ok").sum()),
        "lag_p99_s": float(started["lag_s"].quantile(0.99)) if len(started) else None,
        "studies": len(book), "stored": int((book["state"] == "stored").sum()),
    }  # fmt: skip
