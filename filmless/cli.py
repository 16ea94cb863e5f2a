"""The command line. Commands import their work when they run: `filmless --help` loads nothing heavy."""

from importlib import import_module

from filmless.app import app

for part in ("cli_simulate", "cli_play", "cli_answers"):  # in the order in which --help shows their commands
    import_module(f"filmless.{part}")


def main() -> None:
    """Entry point of the console script."""
    app()
