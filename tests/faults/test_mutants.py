"""The checker can fail: every known way to build the kernel wrongly is caught, and only under faults."""

from pathlib import Path
from typing import Any

import pytest

from tests.faults.kernel_mutants import CONTROLS, MUTANTS
from tests.faults.kill_table import WRITE, KillTable
from tests.faults.mutants import Mutant, copy_with
from tests.faults.stage import ROOT, Stage

pytestmark = [pytest.mark.kafka, pytest.mark.faults]

SEED = 11
# All of them take more than five minutes: the suite tries the first, `make mutants` every one.
TRIED, ALONE = (MUTANTS, CONTROLS) if WRITE else (MUTANTS[:7], CONTROLS[:1])


@pytest.mark.parametrize("mutant", TRIED, ids=lambda mutant: mutant.name)
async def test_a_mutant_passes_a_quiet_run(
    mutant: Mutant, database: Any, kafka_server: Any, tmp_path: Path, kill_table: KillTable
) -> None:
    tree = copy_with(mutant, ROOT, tmp_path)
    stage = Stage(database, kafka_server.bootstrap, tmp_path, tree, False, SEED, mutant.faults)
    verdict = await stage.play(seconds=2)
    assert verdict.clean, verdict
    assert verdict.events > 20
    kill_table.passed(mutant)


@pytest.mark.parametrize("mutant", TRIED, ids=lambda mutant: mutant.name)
async def test_a_mutant_is_caught_under_faults(
    mutant: Mutant, database: Any, kafka_server: Any, tmp_path: Path, kill_table: KillTable
) -> None:
    tree = copy_with(mutant, ROOT, tmp_path)
    stage = Stage(database, kafka_server.bootstrap, tmp_path, tree, True, SEED, mutant.faults, hunting=True)
    verdict = await stage.play(mutant.seconds)
    assert not verdict.found.keys().isdisjoint(mutant.caught_by), verdict
    kill_table.caught(mutant, verdict.found)


@pytest.mark.parametrize("control", ALONE, ids=lambda mutant: mutant.name)
async def test_each_wall_alone_holds_under_the_same_faults(
    control: Mutant, database: Any, kafka_server: Any, tmp_path: Path
) -> None:
    tree = copy_with(control, ROOT, tmp_path)
    stage = Stage(database, kafka_server.bootstrap, tmp_path, tree, seed=SEED, faults=control.faults)
    verdict = await stage.play(control.seconds)
    assert verdict.clean, verdict
