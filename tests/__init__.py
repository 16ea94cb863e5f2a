"""A package, so that `python -m tests.bench` finds these and not the `tests` that a dependency (Ciw) installs."""
