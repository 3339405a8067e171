"""The checker sees a double booking: hours inserted without the constraint pass a quiet run, and only that."""

from pathlib import Path
from typing import Any

import pytest

from tests.faults.booking_mutant import CONTROLS, MUTANT, scheduling_with
from tests.faults.booking_stage import BookingStage
from tests.faults.booking_world import TICKS
from tests.faults.kill_table import KillTable
from tests.faults.mutants import Mutant
from tests.faults.stage import ROOT

pytestmark = [pytest.mark.kafka, pytest.mark.faults]

SEED = 11


async def test_hours_without_the_constraint_pass_a_quiet_run(
    database: Any, kafka_server: Any, tmp_path: Path, kill_table: KillTable
) -> None:
    tree = scheduling_with(MUTANT, ROOT, tmp_path)
    verdict = await BookingStage(database, kafka_server.bootstrap, tmp_path, tree, SEED).quietly()
    assert verdict.clean, verdict
    assert verdict.booked > 200
    kill_table.passed(MUTANT)


async def test_hours_without_the_constraint_are_caught_under_kills(
    database: Any, kafka_server: Any, tmp_path: Path, kill_table: KillTable
) -> None:
    tree = scheduling_with(MUTANT, ROOT, tmp_path)
    verdict = await BookingStage(database, kafka_server.bootstrap, tmp_path, tree, SEED).under_kills()
    assert sum(verdict.overlaps.values()) >= 5, verdict
    assert verdict.views["double_bookings"], verdict
    assert verdict.told, verdict
    assert verdict.lost == verdict.told_otherwise == 0, verdict
    assert verdict.kills == TICKS
    kill_table.caught(MUTANT, {"overlaps": sum(verdict.overlaps.values()), "told": verdict.told})


async def test_the_true_service_books_nobody_twice_under_the_same_kills(
    database: Any, kafka_server: Any, tmp_path: Path
) -> None:
    verdict = await BookingStage(database, kafka_server.bootstrap, tmp_path, ROOT, SEED).under_kills()
    assert verdict.clean, verdict
    assert verdict.kills == TICKS


@pytest.mark.parametrize("control", CONTROLS, ids=lambda mutant: mutant.name)
async def test_each_wall_alone_holds_under_the_same_kills(
    control: Mutant, database: Any, kafka_server: Any, tmp_path: Path
) -> None:
    tree = scheduling_with(control, ROOT, tmp_path)
    stage = BookingStage(database, kafka_server.bootstrap, tmp_path, tree, SEED, ticks=8)
    verdict = await stage.under_kills()
    assert verdict.clean, verdict
