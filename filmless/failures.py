"""Exit codes, and how a failure is told: one clear line to a person, one object to a program."""

import json
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

DONE, PROGRAM_FAILED, BAD_INPUT, FAIL, INVALID = range(5)
P = ParamSpec("P")


class BadInput(Exception):
    """What the user gave cannot be used; the message says what, where, and how to mend it."""


class Failed(Exception):
    """The program could not do its work; the message says why."""


def _object(error: BaseException) -> dict[str, Any]:
    problems = getattr(error, "problems", None)
    if problems:
        return {"errors": [p.to_json() for p in problems], "error": problems[0].to_json()}
    return {"error": {"message": _words(error)}}


def _words(error: BaseException) -> str:
    """Its message and its notes, such as where the list of what was sent is."""
    return "; ".join([str(error), *getattr(error, "__notes__", [])])


def tell(error: BaseException, as_json: bool) -> None:
    """The failure to stderr as lines, or to stdout as one JSON object."""
    if as_json:
        print(json.dumps(_object(error)))
        return
    problems = getattr(error, "problems", None)
    lines = [str(p) for p in problems] if problems else [_words(error)]
    for line in lines:
        print(f"error: {line}", file=sys.stderr)


def code_of(error: BaseException) -> int | None:
    """The exit code of a known failure; None: a defect of ours, to be shown as such."""
    if isinstance(error, BadInput) or type(error).__name__ in BAD_INPUT_NAMES:
        return BAD_INPUT
    if isinstance(error, Failed | OSError | KeyboardInterrupt) or type(error).__name__ in FAILED_NAMES:
        return PROGRAM_FAILED
    return None


# by name, so that telling a failure imports nothing that the command itself did not need
BAD_INPUT_NAMES = {
    "ScenarioErrors",
    "RunProblem",
    "PlanProblem",
    "TargetErrors",
    "TrafficProblem",
    "TooManyPatients",
    "SizingProblem",
    "RolloutProblem",
    "OutcomeProblem",
    "CaseProblem",
}
FAILED_NAMES = {"PlayFailed", "ArchiveFailed"}


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Turn known failures of a command into their line and exit code."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except BaseException as error:
            if isinstance(error, SystemExit) or type(error).__module__.startswith(("click", "typer")):
                raise
            code = code_of(error)
            if code is None:
                raise
            if isinstance(error, KeyboardInterrupt):
                error.args = ("stopped by you (Ctrl-C): nothing half-written was kept",)
            tell(error, bool(kwargs.get("json_")))
            raise SystemExit(code) from None

    return run
