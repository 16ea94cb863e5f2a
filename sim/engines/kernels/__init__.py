"""Exact column recursions of the stations' disciplines, compiled; one discipline a file, no state of their own."""
