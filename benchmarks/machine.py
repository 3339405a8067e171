"""What the figures were measured on: they say nothing without it."""

import os
import platform
import time
from pathlib import Path
from typing import Any

from deploy.local import java, kafka, postgres
from shared.messaging.kafka import SENDING

LOOPS = 3_000_000
POSTGRES = (
    "fsync", "synchronous_commit", "shared_buffers", "max_wal_size", "checkpoint_timeout", "wal_level", "max_connections", "jit",
)  # fmt: skip
KAFKA = ("num.network.threads", "num.io.threads")
PRODUCER = ("acks", "enable_idempotence", "linger_ms", "max_batch_size")


def describe() -> dict[str, Any]:
    """The processor, how many, how fast one of them is now, memory, and the settings on which figures depend most, as every stack sets them."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "python": platform.python_version(),
        "loop_seconds": loop_seconds(),
        "load": os.getloadavg()[0],
        "settings": settings(),
    }


def settings() -> dict[str, dict[str, Any]]:
    """By server, and of whoever sends to Kafka; names are the servers' and clients' own."""
    return {
        "postgres": {name: postgres.SETTINGS[name] for name in POSTGRES},
        "kafka": {"heap": java.MOST_MEMORY, **{name: kafka.SETTINGS[name] for name in KAFKA}},
        "producer": {name: SENDING[name] for name in PRODUCER},
    }


def loop_seconds() -> float:
    """LOOPS multiplications in plain Python, the best of three: machines of one name differ by a factor of three in it."""
    return round(min(_loop() for _ in range(3)), 3)


def _loop() -> float:
    began, value = time.perf_counter(), 1
    for _ in range(LOOPS):
        value = value * 3 % 1000003
    return time.perf_counter() - began


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
