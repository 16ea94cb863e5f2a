"""Tables of operations by hand, as a play's run folder has them."""

from typing import Any

import numpy as np
import pandas as pd


def played(took_s: Any, every_s: float = 0.1, **other: Any) -> pd.DataFrame:
    """One operation each `every_s` seconds, begun when due, that took so long; further columns as given."""
    took = np.asarray(took_s, dtype=np.float64)
    due = np.arange(len(took)) * every_s
    data = pd.DataFrame({
        "cluster": "south", "supplier": "ge", "operation": "store", "phase": "play", "due_s": due, "start_s": due,
        "first_byte_s": due + 0.5 * took, "first_object_s": due + 0.6 * took, "end_s": due + took, "outcome": "ok",
        "blocked_s": 0.0, "connect_s": 0.0, "negotiate_s": 0.0, "objects": 1, "planned_objects": 1, "bytes": 1000,
        "response_s": took, "service_s": took, "lag_s": 0.0,
    })  # fmt: skip
    return data.assign(**other)


RESULT: dict[str, Any] = {"outcomes": {"ok": 100, "refused": 0, "failed": 0, "unknown": 0, "dropped": 0}, "doubts": [],
                          "losses": []}  # fmt: skip
