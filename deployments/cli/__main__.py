"""`python -m deployments.cli`: the command `datastream` where no script is installed."""

from deployments.cli import main

main()
