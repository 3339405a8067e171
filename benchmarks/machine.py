"""What the figures were measured on: they say nothing without it."""

import os
import platform
import time
from pathlib import Path
from typing import Any

LOOPS = 3_000_000


def describe() -> dict[str, Any]:
    """The processor, how many, and how fast one of them is now."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "loop_seconds": round(min(loop_seconds() for _ in range(3)), 3),
        "load": os.getloadavg()[0],
    }


def loop_seconds() -> float:
    """LOOPS multiplications in plain Python: machines of one name differ by a factor of three in it."""
    began, value = time.perf_counter(), 1
    for _ in range(LOOPS):
        value = value * 3 % 1000003
    return time.perf_counter() - began


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
