"""What can stop a play, each with the exit code that it means."""


class TrafficProblem(ValueError):
    """What was given cannot be played: says which file, what is wrong in it and how to mend it (exit code 2)."""

    exit_code = 2


class PlayFailed(RuntimeError):
    """The play could not be done or its results not be kept; the message says why (exit code 1)."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
