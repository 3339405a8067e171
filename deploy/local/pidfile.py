"""What runs, written down: a second `up` sees that one is up, and the next one ends what a kill left."""

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path

from deploy.local.leftovers import command_line, end_leftover

SUPERVISOR = "supervisor"


def write(file: Path, units: Mapping[str, tuple[int, str, signal.Signals]]) -> None:
    """Replaces the file by the units as (pid, mark in the command line, signal that ends it) and ourselves."""
    here = {SUPERVISOR: (os.getpid(), command_line(os.getpid()) or "", signal.SIGTERM)}
    entries = {
        name: {"pid": pid, "mark": mark, "signal": int(sent)}
        for name, (pid, mark, sent) in (here | dict(units)).items()
    }
    fresh = file.with_suffix(".new")
    fresh.parent.mkdir(parents=True, exist_ok=True)
    fresh.write_text(json.dumps(entries, indent=2) + "\n")
    fresh.replace(file)


def supervisor(file: Path) -> int | None:
    """The id of the process that keeps this stack up; None when there is none, or it was killed."""
    entry = _read(file).get(SUPERVISOR)
    if entry is None or command_line(int(entry["pid"])) != entry["mark"]:
        return None
    return int(entry["pid"])


async def end_leftovers(file: Path) -> list[str]:
    """Ends what a killed supervisor left running, the last started first; returns the names."""
    entries = _read(file)
    entries.pop(SUPERVISOR, None)
    ended = [name for name, entry in reversed(entries.items()) if await _end(entry)]
    file.unlink(missing_ok=True)
    return ended


async def _end(entry: Mapping[str, str]) -> bool:
    return await end_leftover(int(entry["pid"]), entry["mark"], signal.Signals(int(entry["signal"])))


def _read(file: Path) -> dict[str, dict[str, str]]:
    if not file.exists():
        return {}
    entries: dict[str, dict[str, str]] = json.loads(file.read_text())
    return entries
