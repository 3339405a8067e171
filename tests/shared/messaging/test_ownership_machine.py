"""Members come, look, are cut off and go: nothing is ever owned twice, and all of it is owned when they have looked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil
from typing import Any

import asyncpg
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from deploy.local.postgres import PostgresServer
from shared.messaging.ownership import Ownership, lock_class
from tests.machines import Machine, run_machine
from tests.shared.messaging.notes import ROLE
from tests.stack_fixtures import FreshDatabase, a_database
from tests.waiting import until

ITEMS = 7
LOCKS = """
SELECT pid, objid::int8 AS item FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted
    AND classid = $1::int4::oid AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
GONE = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)"


class Owning(Machine):
    """At most four members; each looks around when the machine says so."""

    def __init__(self, runner: Any, world: tuple[FreshDatabase, asyncpg.Connection]) -> None:
        super().__init__(runner, world)
        self.database, self.admin = world
        self.members: list[Ownership] = []

    @rule()
    def somebody_joins(self) -> None:
        if len(self.members) < 4:
            member = Ownership(self.database.dsn(ROLE), schema=ROLE, purpose="machine", items=range(ITEMS))
            self.run(member._open())
            self.members.append(member)

    def _one(self, data: st.DataObject) -> Ownership:
        return self.members[data.draw(st.integers(0, len(self.members) - 1))]

    @precondition(lambda self: self.members)
    @rule(data=st.data())
    def somebody_looks(self, data: st.DataObject) -> None:
        self.run(self._one(data)._round())

    @precondition(lambda self: self.members)
    @rule(data=st.data())
    def somebody_leaves(self, data: st.DataObject) -> None:
        member = self._one(data)
        self.members.remove(member)
        self.run(self._left(member, ended=False))

    @precondition(lambda self: self.members)
    @rule(data=st.data())
    def somebody_is_cut_off(self, data: st.DataObject) -> None:
        member = self._one(data)
        self.members.remove(member)
        self.run(self._left(member, ended=True))

    async def _left(self, member: Ownership, *, ended: bool) -> None:
        pid = member._connection.get_server_pid()  # type: ignore[union-attr]
        if ended:
            await self.admin.execute("SELECT pg_terminate_backend($1)", pid)
            await until(lambda: not member.held, "it owns nothing at once")
        await member._close()
        await until(lambda: self.admin.fetchval(GONE, pid), "its session is gone")

    @precondition(lambda self: self.members)
    @rule()
    def all_look_twice(self) -> None:
        for _ in range(2):
            for member in self.members:
                self.run(member._round())
        shares = [len(member.held) for member in self.members]
        assert sum(shares) == ITEMS
        assert max(shares) <= ceil(ITEMS / len(shares))

    @invariant()
    def what_each_believes_is_what_is_locked_for_it_alone(self) -> None:
        rows = self.run(self.admin.fetch(LOCKS, lock_class(ROLE, "machine")))
        believed = [
            (member._connection.get_server_pid(), item)  # type: ignore[union-attr]
            for member in self.members
            for item in member.held
        ]
        assert sorted(believed) == sorted((row["pid"], row["item"]) for row in rows)
        assert len({item for _, item in believed}) == len(believed)

    def teardown(self) -> None:
        for member in self.members:
            self.run(self._left(member, ended=False))


def test_whoever_comes_and_goes_everything_has_one_owner(postgres_server: PostgresServer) -> None:
    @asynccontextmanager
    async def world() -> AsyncIterator[tuple[FreshDatabase, asyncpg.Connection]]:
        async with a_database(postgres_server) as fresh:
            admin = await asyncpg.connect(fresh.admin_dsn)
            yield fresh, admin
            await admin.close()

    run_machine(Owning, world(), examples=10, steps=25)
