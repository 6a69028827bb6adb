"""The `p2pchat-bootstrap` command."""


def run() -> None:
    """Entry point of the console script."""
