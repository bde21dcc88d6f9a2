"""`python -m rtig` is the command `rtig`."""

from rtig.cli import main

main()
