"""What operators ask of a running process: redrive, discard, rebuild, resume, move an offset, and what its service
offers besides.

A request is a row, so it is durable, has a name and a reason, and is served by the process that has the handlers.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from shared.messaging.consumer import Consumer
from shared.messaging.failures import TROUBLE, describe
from shared.messaging.redrive import discard, redrive
from shared.messaging.transaction import Database, Transaction
from shared.resting import rest

POLL_SECONDS = 0.5

# Asked for nothing nearly always, hence one statement without a transaction: what is asked, and what was served. Another
# process may have served what concerns what we own: long enough ago for a commit that was slow to show.
LOOK = """
SELECT id, grp, action, state FROM operator_requests
WHERE grp = ANY ($1) AND (state = 'asked' OR state = 'done' AND done_at > clock_timestamp() - interval '1 minute')
"""
CLAIM = """
SELECT id, grp, action, target, reason, requested_by FROM operator_requests
WHERE state = 'asked' AND grp = ANY ($1) ORDER BY requested_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
DONE = "UPDATE operator_requests SET state = $2, result = $3, done_at = clock_timestamp() WHERE id = $1"

log = logging.getLogger(__name__)


class Refused(Exception):
    """Raised by an action that cannot be done; its text is for the operator and holds no value of anybody's."""


# What a service offers by a name of its own: takes the request's target and who asks, answers in a few words.
Action = Callable[[Mapping[str, Any], str, Transaction], Awaitable[str]]


class Desk:
    """Serves requests for this process's groups. `projections` names the tables each group rebuilds; `actions` are
    the service's own, by name."""

    def __init__(
        self,
        database: Database,
        consumers: Sequence[Consumer],
        projections: Mapping[str, Sequence[str]] | None = None,
        actions: Mapping[str, Action] | None = None,
    ) -> None:
        self.name = "desk"
        self._database = database
        self._consumers = {consumer.group: consumer for consumer in consumers}
        self._projections = projections or {}
        self._actions = actions or {}
        self._followed: frozenset[UUID] = frozenset()

    async def run(self, stop: asyncio.Event) -> None:
        """Looks twice a second."""
        while not stop.is_set():
            with contextlib.suppress(*TROUBLE):
                found = await self._look()
                while any(one["state"] == "asked" for one in found) and await self._serve_one():
                    found = await self._look()
                self._follow([one for one in found if one["state"] == "done"])
            await rest(stop, POLL_SECONDS)

    async def _look(self) -> Sequence[asyncpg.Record]:
        return list(await self._database.pool.fetch(LOOK, list(self._consumers)))

    async def _serve_one(self) -> bool:
        async with self._database.transaction() as tx:
            request = await tx.connection.fetchrow(CLAIM, list(self._consumers))
            if request is None:
                return False
            state, result = await self._outcome(tx, request)
            await tx.connection.execute(DONE, request["id"], state, result)
        log.info("operator request %s", state, extra={"action": request["action"], "group": request["grp"]})
        return True

    def _follow(self, served: Sequence[asyncpg.Record]) -> None:
        """Each process owns some partitions only: whoever has served a request, all take up what follows from it."""
        for request in served:
            if request["id"] not in self._followed:
                consumer = self._consumers[request["grp"]]
                (consumer.resume if request["action"] == "resume" else consumer.forget)()
        self._followed = frozenset(request["id"] for request in served)

    async def _outcome(self, tx: Transaction, request: asyncpg.Record) -> tuple[str, str]:
        """Does it in a savepoint, so that a request that fails is answered all the same."""
        try:
            async with tx.connection.transaction():
                return "done", await self._do(tx, request)
        except Refused as refusal:
            return "failed", str(refusal)
        except Exception as failure:
            return "failed", describe(failure)

    async def _do(self, tx: Transaction, request: asyncpg.Record) -> str:
        consumer = self._consumers[request["grp"]]
        target: dict[str, Any] = request["target"]
        if action := self._actions.get(request["action"]):
            return await action(target, request["requested_by"], tx)
        match request["action"]:
            case "redrive":
                letter = UUID(target["dead_letter"])
                return str(
                    await redrive(tx, consumer.reader, letter, request["requested_by"], request["reason"])
                )
            case "discard":
                letter = UUID(target["dead_letter"])
                return str(
                    await discard(tx, consumer.reader, letter, request["requested_by"], request["reason"])
                )
            case "rebuild":
                await _refuse_what_cannot_be_read_again(consumer)
                return await self._rebuild(tx.connection, consumer.group)
            case "move_offset":
                return await _move_offset(tx.connection, consumer.group, target)
            case _:
                return "resumed"  # every process does it when it follows

    async def _rebuild(self, connection: asyncpg.Connection, group: str) -> str:
        """Empties the group's projection and forgets what was read: it begins again at the log's beginning."""
        for table in self._projections[group]:
            await connection.execute(
                f"TRUNCATE {table}"
            )  # table names come from the code, never from a request
        for table in ("offsets", "inbox", "positions", "blocks", "parked"):
            await connection.execute(f"DELETE FROM {table} WHERE grp = $1", group)
        return "rebuilding"

    def ready(self) -> str | None:
        return None

    def metrics(self) -> dict[str, float]:
        return {}


async def _refuse_what_cannot_be_read_again(consumer: Consumer) -> None:
    if gone := await consumer.shortened():
        raise Refused(
            f"{', '.join(sorted(gone))}: begins later than it did; what was said before stands in the tables alone"
        )


async def _move_offset(connection: asyncpg.Connection, group: str, target: Mapping[str, Any]) -> str:
    await connection.execute(
        "UPDATE offsets SET next = $4 WHERE grp = $1 AND topic = $2 AND partition = $3",
        group, target["topic"], int(target["partition"]), int(target["offset"]),
    )  # fmt: skip
    return "moved"
