"""A service whose database was restored from a backup speaks on above what the log has of it."""

from typing import Any

import pytest

from deploy.local import databases
from tests.console.operated import operated
from tests.shared.messaging.test_restoring import backup
from tests.stack_fixtures import FreshDatabase

pytestmark = pytest.mark.kafka


async def test_what_a_restored_service_says_next_is_heard(database: FreshDatabase, kafka_server: Any) -> None:
    async with operated(database, kafka_server.bootstrap) as system:
        known, later = await system.new_id(), await system.new_id()
        await system.say((known, 1))
        await system.until(lambda: system.applied_to(known) == [(known, 1)])
    restored = await backup(database, f"{database.name}_backup")
    try:
        async with operated(database, kafka_server.bootstrap) as system:
            await system.say((known, 2), (known, 3), (later, 1))
            await system.until(lambda: len(system.applied_to(known, later)) == 3)
        system.database = restored
        found = await system.asked("restored", "scheduling", "--database-url", restored.dsn("scheduling"))
        assert found["raised"] >= 2  # other tests have spoken on these topics too
        again = await system.asked("restored", "scheduling", "--database-url", restored.dsn("scheduling"))
        assert again["raised"] == 0
        async with operated(restored, kafka_server.bootstrap) as system:
            await system.until(lambda: len(system.applied_to(known, later)) == 3)
            await system.say((known, 4), (later, 2))
            await system.until(lambda: set(system.applied_to(known, later)[3:]) == {(known, 4), (later, 2)})
            assert (await system.asked("lag"))["held_back"] == []
    finally:
        await databases.drop(database.server.dsn("postgres"), restored.name)


async def test_a_service_that_runs_already_is_not_raised(database: FreshDatabase, kafka_server: Any) -> None:
    async with operated(database, kafka_server.bootstrap) as system:
        refused = await system.console("restored", "scheduling", "--database-url", database.dsn("scheduling"))
    assert refused.exit_code == 1
    assert "scheduling:test" in refused.stderr


async def test_a_service_that_says_nothing_has_nothing_to_raise(
    database: FreshDatabase, kafka_server: Any
) -> None:
    async with operated(database, kafka_server.bootstrap) as system:
        refused = await system.console("restored", "nobody", "--database-url", database.dsn("scheduling"))
    assert refused.exit_code == 1
    assert "says nothing" in refused.stderr
