"""`python -m loadtest.play CONFIG.json`: a process of its own, which patches the standard library first."""

import locust  # noqa: F401  isort: skip  (first: it patches ssl and socket)

import json
import sys

from loadtest.play.drive import main

if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Exception as error:  # the parent tells the person; the traceback is for us
        print(json.dumps({"phase": "failed", "kind": type(error).__name__, "message": str(error)}), flush=True)
        if type(error).__name__ not in ("TrafficProblem", "TooManyPatients", "RunProblem", "OSError"):
            raise
        sys.exit(1)
