"""A partner's books: a ledger on disk, line by line."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from simulation.gateways.sink import Sink, whole_lines


class Enters(Protocol):
    """Pure bookkeeping: what a line changes."""

    def enter(self, line: dict[str, Any]) -> None: ...


L = TypeVar("L", bound=Enters)


class Books(Generic[L]):
    """What a line says and up to where it is true stand in that one line, so a crash never separates them."""

    def __init__(self, file: Path, ledger: L) -> None:
        self.ledger = ledger
        for line in whole_lines(file):
            ledger.enter(line)
        self._sink = Sink(file)

    async def enter(self, lines: Iterable[dict[str, Any]]) -> None:
        """On disk first, then in the books."""
        kept = list(lines)
        await self._sink.append(kept)
        for line in kept:
            self.ledger.enter(line)

    def close(self) -> None:
        """After the last entry."""
        self._sink.close()
