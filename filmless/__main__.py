"""`python -m filmless`: the command line, where its script is not on the path."""

from filmless.cli import main

main()
