"""Where the evidence of a run lies."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sources:
    """The admin's DSN, the broker, the address of the partners' books (empty: none run) and the folder of the sinks."""

    database: str
    kafka: str
    hospital: str
    sinks: Path
