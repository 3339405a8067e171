"""Fencing: who lost a partition without noticing (a zombie) moves no offset and leaves no effect."""

from typing import Any

import pytest

from shared.messaging import inbox
from shared.messaging.failures import Fenced
from tests.shared.messaging.notes import opened

PLACE = ("tests.notes", 0)


async def test_a_zombie_that_lost_its_partition_leaves_no_effect(database: Any) -> None:
    async with opened(database.dsn("matching")) as db:
        async with db.transaction() as tx:
            await inbox.start_offsets(tx.connection, "tests", {PLACE: 0})
        async with db.transaction() as new_owner:
            await inbox.begin(new_owner.connection, "tests", {PLACE: (0, 3)})
        with pytest.raises(Fenced):
            async with db.transaction() as zombie:
                await zombie.connection.execute("INSERT INTO applied (page, number) VALUES ('a', 1)")
                await inbox.begin(zombie.connection, "tests", {PLACE: (0, 3)})
        assert await db.pool.fetchval("SELECT count(*) FROM applied") == 0


async def test_all_partitions_of_a_batch_move_or_none(database: Any) -> None:
    other = ("tests.notes", 1)
    async with opened(database.dsn("matching")) as db:
        async with db.transaction() as tx:
            await inbox.start_offsets(tx.connection, "tests", {PLACE: 0, other: 5})
        with pytest.raises(Fenced):
            async with db.transaction() as tx:
                await inbox.begin(tx.connection, "tests", {PLACE: (0, 3), other: (0, 3)})
        async with db.transaction() as tx:
            assert await inbox.stored_offsets(tx.connection, "tests") == {PLACE: 0, other: 5}


async def test_the_first_start_never_overwrites_a_stored_offset(database: Any) -> None:
    async with opened(database.dsn("matching")) as db, db.transaction() as tx:
        await inbox.start_offsets(tx.connection, "tests", {PLACE: 7})
        await inbox.start_offsets(tx.connection, "tests", {PLACE: 0})
        assert await inbox.stored_offsets(tx.connection, "tests") == {PLACE: 7}
