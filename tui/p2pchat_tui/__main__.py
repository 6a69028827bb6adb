"""`python -m p2pchat_tui`: what `p2pchat tui` becomes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from p2pchat.config import Home
from p2pchat_tui.app import P2PChatApp


def main() -> int:
    """Run the UI until the person leaves; gives the exit code."""
    parser = argparse.ArgumentParser(prog="p2pchat tui")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    options = parser.parse_args()
    app = P2PChatApp(Home.locate(options.home).socket, theme=f"p2pchat-{options.theme}")
    app.run()
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
