"""The kill table: which mutant passed quietly and what caught it, written down by the run that saw it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import booking_mutant, kernel_mutants, service_mutants
from tests.faults.mutants import Mutant

ALL = (*kernel_mutants.MUTANTS, booking_mutant.MUTANT, *service_mutants.MUTANTS)
FILE = Path(__file__).parents[2] / "docs" / "mutants.md"
WRITE = bool(os.environ.get("KILL_TABLE"))
HEAD = """# Mutants

Ways to build this wrongly, each a small patch on a copy of the sources (`tests/faults/*_mutants.py`). Each passes a run
without faults, and is caught on the same seed with them: otherwise a clean run of the fault harness would say nothing.
Where several walls stand behind one another, the others are taken down as well, and a control in the tests shows that
the one wall alone holds. Written by `make mutants`; the numbers are what that run saw.

Faults: `writer`, `relay`, `reader`, `echo` are kills of such a process (`:deleted`: as soon as it has deleted what it had in hand); `cut` ends the sessions that hold the locks while
a batch is in flight; `poison` is an event that fails for good and is redriven while later ones of its key are in flight;
`ring` an alarm that fails for good; `lose` a stored offset outside the log until an operator has moved it.

| mutant | what it breaks | other walls taken down | quiet | with | caught by |
|---|---|---|---|---|---|
"""


@dataclass(slots=True)
class KillTable:
    """Rows by name of the mutant: those of the file, and in their place those that were seen whole in this run."""

    rows: dict[str, str] = field(default_factory=dict)
    quiet: set[str] = field(default_factory=set)

    def passed(self, mutant: Mutant) -> None:
        """It was not seen without faults."""
        self.quiet.add(mutant.name)

    def caught(self, mutant: Mutant, found: Mapping[str, int]) -> None:
        """It was seen with faults, by these checks."""
        if mutant.name in self.quiet:
            seen = ", ".join(f"`{name}` {count}" for name, count in found.items())
            cells = (
                mutant.name,
                mutant.breaks,
                ", ".join(mutant.blinded),
                "clean",
                ", ".join(sorted({*mutant.faults})),
            )
            self.rows[mutant.name] = f"| {' | '.join((*cells, seen))} |"

    def write(self) -> None:
        """The file anew, in order of the names."""
        known = read() | self.rows
        FILE.write_text(HEAD + "".join(f"{row}\n" for _, row in sorted(known.items())))


def read() -> dict[str, str]:
    """The rows of the file by name."""
    lines = FILE.read_text().splitlines() if FILE.exists() else []
    rows = [line for line in lines if line.startswith("| ") and not line.startswith("| mutant |")]
    return {row.split(" | ")[0].removeprefix("| "): row for row in rows}
