"""`python -m p2pchat_cli`: the `p2pchat` command where its script is not on the path."""

from p2pchat_cli.main import run

run()
