"""The client's own file: what was asked and what was answered. Its 202 lines are the truth that `lost` is told by.

One JSON line each: invoke (with the number of the person), fail (a try that is repeated), ok (the final answer),
stopped (silence is owed from now on).
No name, address, need or answer of a person is in it.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

LINES_PER_WRITE = 256


@dataclass(frozen=True, slots=True)
class Told:
    """One final answer. `lines` is how many lines its crisis card had, None if it had no card. A line of a
    file (`in_bulk`) has no card; `attention` is that its sender was told to call."""

    key: str
    person: int
    asked_at: float
    answered_at: float
    status: int
    case_code: str | None
    lines: int | None
    in_bulk: bool = False
    attention: bool = False


class ClientLog:
    """Writes lines in batches. Times: `at` in Unix seconds, `clock` monotonic."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = file.open("ab")
        self._pending: list[bytes] = []

    def invoke(self, key: str, person: int) -> None:
        """Just before the first byte goes out."""
        self._add({"what": "invoke", "key": key, "person": person})

    def fail(self, key: str, why: str) -> None:
        """A try without a final answer; the same request goes out again."""
        self._add({"what": "fail", "key": key, "why": why})

    def ok(self, key: str, status: int, case_code: str | None, lines: int | None) -> None:
        """The final answer, whatever its status."""
        self._add({"what": "ok", "key": key, "status": status, "case_code": case_code, "lines": lines})

    def handed_over(self, key: str, status: int, case_code: str | None, *, attention: bool) -> None:
        """The final answer to a line of a file."""
        line = {"what": "ok", "key": key, "status": status, "case_code": case_code, "lines": None}
        self._add(line | {"in_bulk": True, "attention": attention})

    def stopped(self, case_code: str) -> None:
        """Somebody was told that their request is taken back and that nothing more will come."""
        self._add({"what": "stopped", "case_code": case_code})

    def close(self) -> None:
        """Writes what is left."""
        self._write()
        self._file.close()

    def _add(self, line: dict[str, Any]) -> None:
        line["at"], line["clock"] = time.time(), time.monotonic()
        self._pending.append(orjson.dumps(line) + b"\n")
        if len(self._pending) >= LINES_PER_WRITE:
            self._write()

    def _write(self) -> None:
        self._file.write(b"".join(self._pending))
        self._file.flush()
        self._pending.clear()


def read_client_log(file: Path) -> Iterator[Told]:
    """Every final answer in the order given. A double submit is two answers to one key."""
    asked: dict[str, dict[str, Any]] = {}
    for text in file.read_bytes().splitlines():
        line = orjson.loads(text)
        if line["what"] == "invoke":
            asked.setdefault(line["key"], line)
        elif line["what"] == "ok":
            first = asked[line["key"]]
            yield Told(
                key=line["key"],
                person=first["person"],
                asked_at=first["at"],
                answered_at=line["at"],
                status=line["status"],
                case_code=line["case_code"],
                lines=line["lines"],
                in_bulk=line.get("in_bulk", False),
                attention=line.get("attention", False),
            )
