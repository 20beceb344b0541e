"""`python -m app`: the `tally` command."""

from app.cli import main

main()
