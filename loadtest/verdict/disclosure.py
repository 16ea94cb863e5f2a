"""Full disclosure (rule L10): what a manifest must tell, so that an outsider can repeat the measurement."""

from collections.abc import Mapping
from typing import Any

# what -> where in the manifest; a key of a target is looked for in each of them
OWED = {
    "hash of the plan": ("traffic",),
    "version of this program": ("version",),
    "versions of libraries": ("machine", "versions"),
    "TCP profile": ("tcp_profile",),
    "association policy": ("settings", "association"),
    "associations at once": ("settings", "modality_associations"),
    "PDU length, asynchronous window and congestion control": ("negotiated",),
    "speed": ("speed",),
    "machine": ("machine", "cores"),
    "time-outs": ("settings", "response_s"),
    "generator's own state": ("generator", "scheduling"),
    "target": ("targets",),
}
OF_TARGETS = {"product and settings of the archive": "software", "TCP settings of the archive": "tcp"}


def missing(manifest: Mapping[str, Any]) -> list[str]:
    """What the manifest does not tell of this side, as reasons: what cannot be repeated was not measured."""
    lacks = [what for what, keys in OWED.items() if _at(manifest, keys) in (None, "", {}, [])]
    return [f"not disclosed (rule L10): {', '.join(lacks)}"] if lacks else []


def untold(manifest: Mapping[str, Any]) -> list[str]:
    """What the target's owner has left open, as remarks."""
    found = dict(manifest.get("targets") or {})
    return [f"{cluster}: {what} not disclosed: say it as `{key}` in its file"
            for cluster, target in found.items()
            for what, key in OF_TARGETS.items() if not target.get(key)]  # fmt: skip


def _at(data: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data
