"""CPU seconds and memory of processes, from /proc (proc(5)); a process that has ended counts no more."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Usage:
    """`cpu` in seconds since the start, of the process and the children it has waited for; `memory` resident, in bytes."""

    cpu: float = 0.0
    memory: int = 0


def read(stat: str) -> Usage:
    """From a line of /proc/<pid>/stat. Its second field is a name in brackets that may hold anything."""
    fields = stat.rpartition(")")[2].split()
    return Usage(sum(int(fields[place]) for place in (11, 12, 13, 14)) / TICKS, int(fields[21]) * PAGE)


def of(pids: Iterable[int]) -> Usage:
    """All of them together. Memory that they share counts for each."""
    found = [read(text) for pid in pids if (text := _stat(pid))]
    return Usage(sum(one.cpu for one in found), sum(one.memory for one in found))


def family(pid: int) -> list[int]:
    """A process and its children: PostgreSQL works in these."""
    with suppress(OSError):
        tasks = (PROC / str(pid) / "task").iterdir()
        return [pid, *(int(child) for task in tasks for child in (task / "children").read_text().split())]
    return [pid]


def between(before: Mapping[str, Usage], after: Mapping[str, Usage]) -> dict[str, float]:
    """CPU seconds by name from one moment to another."""
    return {name: after[name].cpu - before[name].cpu for name in after if name in before}


def own(*, children: bool = False) -> Usage:
    """Of this process to the microsecond, or of its children that have ended and were waited for (getrusage(2)); without memory."""
    used = getrusage(RUSAGE_CHILDREN if children else RUSAGE_SELF)
    return Usage(used.ru_utime + used.ru_stime)


def milliseconds_each(spent: Mapping[str, float], count: int) -> dict[str, float]:
    """Of CPU seconds by name, what each of so many cost; by name in order."""
    return {name: round(1000 * seconds / count, 3) for name, seconds in sorted(spent.items())}


def microseconds_each(spent: Mapping[str, float], count: int) -> dict[str, float]:
    """The same in millionths."""
    return {name: round(1e6 * seconds / count, 1) for name, seconds in spent.items()}


def _stat(pid: int) -> str:
    try:
        return (PROC / str(pid) / "stat").read_text()
    except OSError:
        return ""
