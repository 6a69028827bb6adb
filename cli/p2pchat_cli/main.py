"""The `p2pchat` command."""


def run() -> None:
    """Entry point of the console script."""
