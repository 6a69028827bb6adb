"""A real PostgreSQL server for tests: the machine's own programs, in a directory of the test's."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_DEBIAN: Final = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def program(name: str) -> str | None:
    """Where a program of PostgreSQL is, or None."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *map(str, _DEBIAN)]))


def user() -> str | None:
    """Who may run the server: PostgreSQL refuses to be root. None if nobody can."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return None


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """A server whose files are in `folder`; gives the URL of an empty database."""
    name = user()
    assert name is not None
    as_user = [] if os.geteuid() != 0 else ["runuser", "-u", name, "--"]
    folder.mkdir(mode=0o755)
    shutil.chown(folder, name)
    for parent in folder.parents:
        if parent.owner() == pwd.getpwuid(os.geteuid()).pw_name and parent.stat().st_mode & 0o001 == 0:
            parent.chmod(parent.stat().st_mode | 0o111)
    data = folder / "data"
    subprocess.run(
        [*as_user, program("initdb") or "", "-D", str(data), "-U", "test", "--auth=trust", "--no-sync"],
        check=True,
        capture_output=True,
        cwd="/",
    )
    log = (folder / "log").open("wb")
    server = subprocess.Popen(
        [*as_user, program("postgres") or "", "-D", str(data), "-k", str(folder), "-c", "listen_addresses="],
        stdout=log,
        stderr=log,
        cwd="/",
    )
    url = f"postgresql://test@/postgres?host={folder}"
    try:
        import psycopg

        for _ in range(200):
            try:
                psycopg.connect(url, connect_timeout=2).close()
                break
            except psycopg.OperationalError:
                assert server.poll() is None, (folder / "log").read_text()
                subprocess.run(["sleep", "0.05"], check=True)
        yield url
    finally:
        server.terminate()
        server.wait()
        log.close()
