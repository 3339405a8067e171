"""Several processes at once claim the same keys, answer, fail, and forget: one result to a key, on real Postgres."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from deploy.local.postgres import PostgresServer
from shared.messaging import Database
from shared.web import idempotency
from shared.web.idempotency import KeyedRequest, claim, record
from tests.machines import Machine, run_machine
from tests.shared.test_idempotency import opened
from tests.stack_fixtures import a_database

SCOPE = "POST /forms"
slots = st.integers(0, 2)
batches = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from([b"this", b"that"])), min_size=1, max_size=4
)


class Keys(Machine):
    """Three processes with at most one transaction each, three keys, two bodies. A key's answer says what it was asked."""

    def __init__(self, runner: Any, world: Database) -> None:
        super().__init__(runner, world)
        self.kept: dict[str, bytes] = {}
        self.locked: dict[str, int] = {}
        self.open: dict[int, tuple[Any, Any, dict[str, bytes]]] = {}
        self.run(world.pool.execute("DELETE FROM idempotency_keys"))

    def _expected(self, slot: int, asked: list[tuple[str, bytes]]) -> list[str]:
        states, seen = [], dict[str, bytes]()
        for key, body in asked:
            if key in self.kept:
                states.append("replay" if self.kept[key] == body else "mismatch")
            elif key in seen:
                states.append("in_flight" if seen[key] == body else "mismatch")
            else:
                seen[key] = body
                states.append("new" if self.locked.get(key, slot) == slot else "in_flight")
        return states

    @rule(slot=slots, asked=batches)
    def a_batch_comes(self, slot: int, asked: list[tuple[str, bytes]]) -> None:
        if slot in self.open:
            return
        context = self.world.transaction()
        tx = self.run(context.__aenter__())
        claims = self.run(claim(tx, [KeyedRequest(SCOPE, *one) for one in asked]))
        states = self._expected(slot, asked)
        assert [one.state for one in claims] == states
        for (_, body), one in zip(asked, claims, strict=True):
            assert one.response == (body if one.state == "replay" else None)
        for key, _ in asked:
            self.locked.setdefault(key, slot)
        new = {key: body for (key, body), state in zip(asked, states, strict=True) if state == "new"}
        self.open[slot] = context, tx, new

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def a_batch_is_answered(self, data: st.DataObject) -> None:
        context, tx, new = self._ended(data)
        record(tx, [(SCOPE, key, body, 202, body) for key, body in new.items()])
        self.run(context.__aexit__(None, None, None))
        self.kept |= new

    @precondition(lambda self: self.open)
    @rule(data=st.data(), recorded=st.booleans())
    def a_process_dies(self, data: st.DataObject, recorded: bool) -> None:
        context, tx, new = self._ended(data)
        if recorded:
            record(tx, [(SCOPE, key, body, 202, body) for key, body in new.items()])
        self.run(context.__aexit__(ConnectionError, ConnectionError(), None))

    def _ended(self, data: st.DataObject) -> tuple[Any, Any, dict[str, bytes]]:
        slot = data.draw(st.sampled_from(sorted(self.open)))
        self.locked = {key: holder for key, holder in self.locked.items() if holder != slot}
        return self.open.pop(slot)

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def a_key_is_forgotten_in_time(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.kept)))
        self.run(self.world.pool.execute(
            "UPDATE idempotency_keys SET at = now() - interval '3 days' WHERE key = $1", key
        ))  # fmt: skip
        assert self.run(self._swept()) is False  # nothing is left to do
        del self.kept[key]

    async def _swept(self) -> bool:
        async with self.world.pool.acquire() as connection:
            return await idempotency.sweep(connection)

    @invariant()
    def one_result_is_kept_of_each_key(self) -> None:
        rows = self.run(self.world.pool.fetch("SELECT key, body_hash, response FROM idempotency_keys"))
        assert {row["key"]: (row["body_hash"], row["response"]) for row in rows} == {
            key: (body, body) for key, body in self.kept.items()
        }

    def teardown(self) -> None:
        for context, _, _ in self.open.values():
            self.run(context.__aexit__(None, None, None))


def test_whoever_asks_and_whatever_fails_a_key_has_one_result(postgres_server: PostgresServer) -> None:
    @asynccontextmanager
    async def world() -> AsyncIterator[Database]:
        async with a_database(postgres_server) as fresh, opened(fresh.dsn("intake")) as database:
            yield database

    run_machine(Keys, world(), examples=20, steps=25)
