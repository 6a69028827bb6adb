"""Two processes never share a home, and a dead one never bars it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from p2pchat.errors import StoreError
from p2pchat.lock import HomeLock

HOLDER = """
import sys, pathlib
from p2pchat.lock import HomeLock
lock = HomeLock(pathlib.Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_the_second_process_is_told_who_holds_the_home(tmp_path: Path) -> None:
    with HomeLock(tmp_path / "lock"), pytest.raises(StoreError, match=f"in use by process {os.getpid()};"):
        HomeLock(tmp_path / "lock")


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    with HomeLock(tmp_path / "lock"):
        pass
    with HomeLock(tmp_path / "lock"):
        pass


def test_a_holder_killed_by_force_leaves_the_home_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match=f"process {holder.pid};"):
            HomeLock(path)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with HomeLock(path):
        assert path.read_text() == f"{os.getpid()}\n"


def test_a_started_program_does_not_inherit_the_lock(tmp_path: Path) -> None:
    lock = HomeLock(tmp_path / "lock")
    program = [sys.executable, "-c", "print(); input()"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False) as child:
        assert child.stdout is not None
        child.stdout.readline()  # by now it has let go of what is closed on exec
        lock.release()
        HomeLock(tmp_path / "lock").release()
        child.communicate(b"\n")


def test_a_folder_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened: No such file"):
        HomeLock(tmp_path / "nowhere" / "lock")
