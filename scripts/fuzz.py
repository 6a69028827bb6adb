"""Fuzzes every decoder that a stranger reaches, guided by coverage.

`python scripts/fuzz.py [SECONDS [TARGET...]]`

Needs atheris, which has wheels for Linux on x86-64 alone and so is not in the lock: `make fuzz` installs it.
Each target runs in a process of its own for so many seconds (5). What breaks one is left as crash-NAME-*.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
from pathlib import Path

SECONDS = 5
LONGEST = 4096  # bytes of an input


def seeds(directory: Path) -> None:
    """Some well-formed beginnings, so that the fuzzer need not guess them."""
    from p2pchat.core import codec

    shapes = [[1, b"\x07" * 32, 0, [], None], [0, b"k" * 32, None], [b"x" * 96, b"s" * 64], [2, [[1, b"a"]]]]
    texts = [
        b"\x13/multistream/1.0.0\n",
        b"p2pchat:",
        b"p2pchat-net:",
        b'name = "x"\n',
        b"/ip4/1.2.3.4/tcp/1/p2p/12D3",
    ]
    for number, data in enumerate([*map(codec.encode, shapes), *texts]):
        (directory / str(number)).write_bytes(data)


def fuzz_one(name: str, seconds: str, corpus: str) -> None:
    """Fuzz one target in this process; never returns."""
    import atheris

    logging.disable(logging.CRITICAL)
    with atheris.instrument_imports(include=["p2pchat"]):
        from p2pchat.testing import decoders
    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-artifact_prefix=crash-{name}-"]
    atheris.Setup(
        [sys.argv[0], *options, "-print_final_stats=1", corpus], lambda data: decoders.run(name, data)
    )
    atheris.Fuzz()


def main(seconds: str, names: list[str]) -> int:
    """Fuzz all targets (or those named) in turn; 1 if one broke."""
    from p2pchat.testing.decoders import TARGETS

    runs = broken = 0
    for name in names or TARGETS:
        with tempfile.TemporaryDirectory() as corpus:
            seeds(Path(corpus))
            command = [sys.executable, __file__, "--one", name, seconds, corpus]
            done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        stats = [line.split()[-1] for line in done.stderr.splitlines() if "number_of_executed_units" in line]
        count, verdict = int(stats[-1]) if stats else 0, "BROKEN" if done.returncode else "sound"
        runs += count
        broken += done.returncode != 0
        print(f"{name:20} {count:>10,} inputs  {verdict}", flush=True)
        if done.returncode:
            print(done.stderr[-3000:])
    print(f"{len(names or TARGETS)} targets, {runs:,} inputs, {broken} broken")
    return int(broken > 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        fuzz_one(*sys.argv[2:])
    else:
        sys.exit(main(*(sys.argv[1:2] or [str(SECONDS)]), sys.argv[2:]))
