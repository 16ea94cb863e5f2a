"""The face: command line and report."""
