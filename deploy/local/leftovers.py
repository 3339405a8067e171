"""Ends what an earlier run left behind, and only that: a process is known by its id and its command line."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path


async def end_leftover(pid: int | None, mark: str, sent: signal.Signals) -> bool:
    """Ends process `pid` if its command line contains `mark`; a reused id belongs to somebody else."""
    if pid is None or not _is_ours(pid, mark):
        return False
    for attempt in (sent, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(pid, attempt)
        for _ in range(500):
            if not _is_ours(pid, mark):
                return True
            await asyncio.sleep(0.02)
    return False


def _is_ours(pid: int, mark: str) -> bool:
    command = command_line(pid)
    return command is not None and mark in command


def command_line(pid: int) -> str | None:
    """None when there is no such process; a zombie has an empty one."""
    folder = Path("/proc") / str(pid)
    if not Path("/proc/self").exists():
        return _by_ps(pid)
    with suppress(OSError):
        return (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return None


def _by_ps(pid: int) -> str | None:
    with os.popen(f"ps -o command= -p {pid}") as listing:
        return listing.read() or None
