"""The whole system while it is harmed: people ask, alone and in files, some choose, some stop, a deck of faults falls,
and every promise to them is kept."""

from collections import Counter
from pathlib import Path

import orjson
import pytest

from tests.faults.rounds import Load
from tests.faults.run import run
from tests.faults.schedule import KINDS
from tests.faults.subjects import SUBJECTS

pytestmark = [pytest.mark.stack, pytest.mark.faults]

SEED = 5
KILLS = 60
LOAD = Load(people=2000, per_second=12.0, kills=KILLS)
EACH = 3  # kinds at least, and half of our processes: a slow machine has time for so many


async def test_faults_of_every_kind_lose_nothing_repeat_nothing_and_double_book_nobody(
    stack_folder: Path,
) -> None:
    told: list[str] = []
    folder = stack_folder / "faults"
    total = await run(folder, rounds=1, seed=SEED, load=LOAD, tell=told.append)
    said = "\n".join([*told[-60:], *total.lines()])
    assert total.kept, said
    hit = Counter(one.fault.kind for one in total.done if one.counts)
    assert len(hit) >= EACH, said
    assert set(hit) <= {kind.name for kind in KINDS}
    killed = Counter(one.fault.whom for one in total.done if one.fault.kind == "kill")
    assert killed.total() >= KILLS, said
    assert set(killed) <= set(SUBJECTS)
    assert len(killed) >= len(SUBJECTS) / 2, said
    assert total.types >= 10, said
    figures = orjson.loads((folder / "round-0.json").read_bytes())
    assert figures["accepted"] == LOAD.people
    assert figures["accepted_in_bulk"] > LOAD.people * LOAD.in_files * 0.9
    assert figures["chosen"] > 0
    assert total.last_line() in said
