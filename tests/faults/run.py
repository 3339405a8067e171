"""`python -m tests.faults.run`: the whole system under load while a seeded schedule does it harm, round after round.

Everything is kept in a folder of its own: the stack's data, and `journal.jsonl` with a line for each fault and each round.
A run that was interrupted goes on in its folder, with the fault and the round that would have been next.
"""

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import uvloop

from tests.faults.inflicting import Inflicting
from tests.faults.journal import Journal
from tests.faults.kill_table import ALL, read
from tests.faults.rounds import Load, judge_all, play
from tests.faults.schedule import schedule
from tests.faults.summary import Mutants, Total
from tests.faults.system import System

FOLDER = Path(".local/faults")

Tell = Callable[[str], None]


async def run(
    folder: Path, *, rounds: int, seed: int, load: Load, tell: Tell, export: Path | None = None
) -> Total:
    """Plays what is left of so many rounds, then judges everything."""
    journal = _journal(folder, rounds, seed)
    async with System(folder, seed=seed, tell=tell) as system:
        faults = Inflicting(system, schedule(seed, begin=journal.next_fault), journal, tell)
        for number in range(len(journal.rounds), rounds):
            await play(system, number, seed, faults, journal, load, tell)
        return await judge_all(system, journal, published(), export)


def _journal(folder: Path, rounds: int, seed: int) -> Journal:
    """That of a run which was interrupted, or of a new one in an empty folder."""
    file = folder / "journal.jsonl"
    if file.exists() and len((journal := Journal.open(file, seed)).rounds) < rounds:
        return journal
    shutil.rmtree(folder, ignore_errors=True)
    return Journal.open(file, seed)


def published() -> Mutants:
    """As the last run of all of them published it (`make mutants`)."""
    return Mutants(caught=len(read().keys() & {mutant.name for mutant in ALL}), tried=len(ALL))


def main() -> int:
    """0 when every promise was kept."""
    usual = Load()
    parser = argparse.ArgumentParser(prog="python -m tests.faults.run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--people", type=int, default=usual.people, help="who ask in a round")
    parser.add_argument("--per-second", type=float, default=usual.per_second)
    parser.add_argument("--elle", type=Path, help="a file for the whole history of the topics, as EDN")
    told = parser.parse_args()
    load = Load(told.people, told.per_second)
    folder = FOLDER / str(told.seed)
    total = uvloop.run(run(folder, rounds=told.rounds, seed=told.seed, load=load, tell=say, export=told.elle))
    for line in total.lines():
        say(line)
    return 0 if total.kept else 1


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
