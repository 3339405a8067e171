"""Services that are built wrongly pass a quiet run, and are caught when the outside or a process fails them; the true ones
come through both."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.faults.case_stage import CaseStage
from tests.faults.kill_table import WRITE, KillTable
from tests.faults.message_stage import MessageStage
from tests.faults.mutants import Mutant, copy_with
from tests.faults.partner_stage import PartnerStage
from tests.faults.service_mutants import MUTANTS, OF_CASES, OF_MESSAGES, OF_PARTNERS, PARTS
from tests.faults.stage import ROOT

pytestmark = [pytest.mark.kafka, pytest.mark.faults]

# The suite tries one of a kind, `make mutants` every one.
TRUE = {"messages": OF_MESSAGES[0], "partners": OF_PARTNERS[0]} | ({"cases": OF_CASES[0]} if WRITE else {})
TRIED = MUTANTS if WRITE else tuple(TRUE.values())


async def play(mutant: Mutant, tree: Path, given: tuple[Any, Any, Path], loud: bool) -> Mapping[str, int]:
    """What the checker of its stage finds."""
    database, kafka_server, folder = given
    if mutant in OF_MESSAGES:
        return (await MessageStage(database, folder, tree, loud).play()).found
    if mutant in OF_PARTNERS:
        return (await PartnerStage(database, kafka_server.bootstrap, folder, tree, loud).play()).found
    stage = CaseStage(database, kafka_server.bootstrap, folder, tree, loud=loud)
    return (await stage.play()).found


@pytest.mark.parametrize("mutant", TRIED, ids=lambda mutant: mutant.name)
async def test_a_mutant_passes_a_quiet_run(
    mutant: Mutant, database: Any, kafka_server: Any, tmp_path: Path, kill_table: KillTable
) -> None:
    tree = copy_with(mutant, ROOT, tmp_path, parts=PARTS)
    assert await play(mutant, tree, (database, kafka_server, tmp_path), loud=False) == {}
    kill_table.passed(mutant)


@pytest.mark.parametrize("mutant", TRIED, ids=lambda mutant: mutant.name)
async def test_a_mutant_is_caught_under_faults(
    mutant: Mutant, database: Any, kafka_server: Any, tmp_path: Path, kill_table: KillTable
) -> None:
    tree = copy_with(mutant, ROOT, tmp_path, parts=PARTS)
    found = await play(mutant, tree, (database, kafka_server, tmp_path), loud=True)
    assert not found.keys().isdisjoint(mutant.caught_by), found
    kill_table.caught(mutant, found)


@pytest.mark.parametrize("like", TRUE.values(), ids=TRUE)
async def test_the_true_service_holds_under_the_same_faults(
    like: Mutant, database: Any, kafka_server: Any, tmp_path: Path
) -> None:
    assert await play(like, ROOT, (database, kafka_server, tmp_path), loud=True) == {}
