"""`python -m p2pchat_bootstrap` is the same as `p2pchat-bootstrap`."""

from p2pchat_bootstrap.main import run

run()
