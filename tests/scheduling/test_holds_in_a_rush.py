"""Holds in a rush: kept, confirmed, given back and run out while everybody else books, moves and withdraws."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from services.scheduling.domain.holds import Hold, Wanted
from services.scheduling.domain.refusals import Refused
from services.scheduling.domain.wall_time import minute_of
from services.scheduling.handlers import holding
from services.scheduling.handlers.holding import ENDS
from services.scheduling.repository.turns import turns
from shared.contracts.scheduling import AppointmentBooked, AppointmentHeld, AppointmentReleased
from shared.messaging import Due, Transaction
from tests.scheduling.rush import COORDINATOR, Rush
from tests.scheduling.store import NOW, Store
from tests.scheduling.test_holds import given_back, key

# What a hold may be told in such a rush: somebody was faster, or the case is looked after otherwise.
EXPECTED = {
    "slot_taken", "case_moved_on", "already_booked", "already_held", "already_released", "already_confirmed",
    "hold_expired", "invalid_request",
}  # fmt: skip
FREE = """
SELECT case_id FROM scheduling.appointments GROUP BY case_id HAVING bool_and(state = 'cancelled') ORDER BY case_id
"""


class Desk:
    """A coordinator who holds hours for whoever lost theirs, and asks; some never call back."""

    def __init__(self, rush: Rush) -> None:
        self.rush = rush
        self.in_turn = turns(rush.store.database)

    async def work(self) -> None:
        """As long as the rush is on."""
        while not self.rush.over:
            cases = await self.rush.store.database.pool.fetch(FREE)
            if cases:
                await self._try(self.rush.random.choice(cases)["case_id"])
            await asyncio.sleep(0.005)

    async def _try(self, case_id: UUID) -> None:
        draw = self.rush.random
        start = NOW + timedelta(days=draw.randrange(4), minutes=120 + 15 * draw.randrange(20))
        in_person = draw.random() < 0.3
        wanted = Wanted(
            case_id,
            draw.choice(self.rush.therapists),
            minute_of(start),
            "in_person" if in_person else "video",
            self.rush.site if in_person else None,
            draw.choice([1, 30]),
        )
        try:
            held = await self._hold(wanted)
            await asyncio.sleep(0.01)
            ends = draw.choice([holding.confirm, holding.give_back, None])
            if ends is not None:
                await self.in_turn(partial(ends, hold_id=held.id, caller=COORDINATOR))
        except Refused as refused:
            if refused.code not in EXPECTED:
                raise

    async def _hold(self, wanted: Wanted) -> Hold:
        """At that start, or at one that was named instead."""
        try:
            return await self._once(wanted)
        except Refused as refused:
            if not refused.alternatives:
                raise
            return await self._once(replace(wanted, start=self.rush.random.choice(refused.alternatives)))

    async def _once(self, wanted: Wanted) -> Hold:
        return await self.in_turn(partial(holding.hold, wanted=wanted, caller=COORDINATOR, keyed=key()))


async def clock(rush: Rush) -> None:
    """Time passes, and whatever is due is worked off: not always at once."""
    database = rush.store.database
    while not rush.over:
        await asyncio.sleep(0.03)
        rush.store.now += timedelta(seconds=20)
        rows = await database.pool.fetch(
            "SELECT key, body FROM due WHERE kind = $1 AND at <= $2", ENDS, rush.store.now
        )
        dues = [Due(ENDS, row["key"], rush.store.now, row["body"]) for row in rows]

        async def end(tx: Transaction, dues: list[Due] = dues) -> None:
            await holding.end_holds(dues, tx)

        await turns(database)(end)


@pytest.mark.parametrize("seed", [1, 2])
async def test_in_a_rush_with_holds_nothing_is_wrong_and_every_hold_ends_once(
    store: Store, seed: int
) -> None:
    rush = Rush(store, seed)
    await rush.prepare()
    for _ in range(20):
        await given_back(store)
    async with asyncio.TaskGroup() as tasks:
        for work in (rush.run(), *(Desk(rush).work() for _ in range(4)), clock(rush)):
            tasks.create_task(work)
    assert await store.wrong() == []

    held = Counter(one.appointment_id for one in await store.said(AppointmentHeld))
    released = Counter(one.appointment_id for one in await store.said(AppointmentReleased))
    booked = Counter(
        one.appointment_id for one in await store.said(AppointmentBooked) if one.appointment_id in held
    )
    assert len(held) > 3
    assert set(held.values()) == {1}
    assert max(Counter(released + booked).values(), default=0) <= 1
    rows = await store.rows("SELECT hold_id, state FROM scheduling.holds")
    expected = {"released": released, "confirmed": booked}
    assert {row["hold_id"] for row in rows} == set(held)
    for row in rows:
        said = [state for state, told in expected.items() if row["hold_id"] in told]
        assert said == ([] if row["state"] == "held" else [row["state"]])

    left = [Due(ENDS, str(row["hold_id"]), store.now, {}) for row in rows if row["state"] == "held"]
    store.now += timedelta(hours=3)
    async with store.transaction() as tx:
        cases = dict(await tx.connection.fetch("SELECT hold_id::text, case_id::text FROM holds"))
        await holding.end_holds([Due(ENDS, one.key, one.at, {"case_id": cases[one.key]}) for one in left], tx)
    assert await store.rows("SELECT 1 AS one FROM scheduling.holds WHERE state = 'held' OR counted") == []
