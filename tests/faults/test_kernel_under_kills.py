"""The kernel while its processes are killed and its lock sessions cut: every promise holds."""

from pathlib import Path
from typing import Any

import pytest

from tests.faults.stage import Stage

pytestmark = [pytest.mark.kafka, pytest.mark.faults]


async def test_kills_and_cut_sessions_lose_nothing_repeat_nothing_and_reorder_nothing(
    database: Any, kafka_server: Any, tmp_path: Path
) -> None:
    stage = Stage(database, kafka_server.bootstrap, tmp_path, seed=7, least=32)
    verdict = await stage.play(seconds=20)
    assert verdict.clean, verdict
    assert verdict.kills >= 20
    assert verdict.cuts >= 3
    assert verdict.events > 1000


async def test_poison_alarms_that_fail_and_offsets_that_are_lost_leave_nothing_behind(
    database: Any, kafka_server: Any, tmp_path: Path
) -> None:
    """What the mutants of parking, redriving and lost offsets meet, met by the true kernel."""
    stage = Stage(
        database, kafka_server.bootstrap, tmp_path, seed=11, faults=("poison", "ring", "lose", "reader")
    )
    verdict = await stage.play(seconds=20)
    assert verdict.clean, verdict
    assert verdict.poisons >= 1
    assert verdict.losses >= 1
