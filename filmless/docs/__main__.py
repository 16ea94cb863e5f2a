"""`python -m filmless.docs`: write the generated documents; `--check`: exit 3 where one is not current."""

import sys

from filmless.docs.pages import PAGES, ROOT, stale


def main(words: list[str]) -> int:
    """Write, or check."""
    if words == ["--check"]:
        old = stale()
        for name in old:
            print(f"{name} is not what the code says: run python -m filmless.docs", file=sys.stderr)
        return 3 if old else 0
    for name, make in PAGES.items():
        (ROOT / name).write_text(make(), encoding="utf-8")
        print(f"wrote {name}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
