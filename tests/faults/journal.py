"""What a run of faults wrote down: one JSON line per fault and per round, so that it can be watched, and gone on with."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from simulation.gateways.sink import whole_lines
from tests.faults.schedule import Fault


@dataclass(frozen=True, slots=True)
class Done:
    """A fault and its effect: what was in flight when it began, how many it killed, how long it took until whoever was
    hit went on (None: not in time, or another fault fell beside it). `problem`: it could not be done."""

    fault: Fault
    flight: dict[str, int]
    kills: int
    recovered: float | None
    problem: str | None = None

    @property
    def counts(self) -> bool:
        """It hit work."""
        return self.problem is None and any(self.flight.values())


@dataclass(slots=True)
class Journal:
    """Appends to a file; what is in it already is read first, but for a last line that was cut short."""

    file: Path
    done: list[Done] = field(default_factory=list)
    rounds: list[dict[str, Any]] = field(default_factory=list)
    begun: int = 0
    began: float = 0.0

    @classmethod
    def open(cls, file: Path, seed: int) -> "Journal":
        """Raises ValueError where the file is of another seed."""
        journal = cls(file)
        for line in whole_lines(file):
            journal._read(line, seed)
        if not journal.began:
            journal.began = time.time()
            file.parent.mkdir(parents=True, exist_ok=True)
            journal._append({"what": "run", "seed": seed, "began": journal.began})
        return journal

    @property
    def next_fault(self) -> int:
        """The number of the first fault that has not been done."""
        return max((one.fault.number for one in self.done), default=-1) + 1

    def note(self, done: Done) -> None:
        self.done.append(done)
        self._append(
            {
                "what": "fault",
                "fault": done.fault.as_json(),
                "flight": done.flight,
                "kills": done.kills,
                "recovered": done.recovered,
                "problem": done.problem,
                "counts": done.counts,
            }
        )

    def begin_round(self, number: int) -> int:
        """How many were begun before, those that were interrupted among them: each has people of its own."""
        self._append({"what": "begin", "number": number})
        self.begun += 1
        return self.begun - 1

    def end_round(self, found: dict[str, Any]) -> None:
        self.rounds.append(found)
        self._append({"what": "round"} | found)

    def _read(self, line: dict[str, Any], seed: int) -> None:
        if line["what"] == "run":
            if line["seed"] != seed:
                raise ValueError(f"{self.file} is of seed {line['seed']}")
            self.began = line["began"]
        elif line["what"] == "fault":
            told = (line["flight"], line["kills"], line["recovered"], line["problem"])
            self.done.append(Done(Fault(**line["fault"]), *told))
        elif line["what"] == "begin":
            self.begun += 1
        elif line["what"] == "round":
            self.rounds.append({name: value for name, value in line.items() if name != "what"})

    def _append(self, line: dict[str, Any]) -> None:
        with self.file.open("ab") as journal:
            journal.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
