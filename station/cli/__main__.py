"""`python -m station.cli`."""

from . import main

main()
