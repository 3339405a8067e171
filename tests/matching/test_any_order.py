"""Whatever happens to cases and in whatever order: loads are those of the holders, attempts rise, decisions stand."""

import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.matching.handlers.changes import ChangeDesk
from services.matching.handlers.choosing import ChoiceDesk
from services.matching.handlers.keeping import follow_kept_hours
from services.matching.handlers.standing import close_cases, count_hours, free_past_hours, withdraw_matches
from shared.contracts.intake import CaseSubmitted
from shared.messaging import Due
from tests.matching.choosing import decide
from tests.matching.conftest import Office
from tests.matching.events import a_case, booked, cancelled, closing, kept, no_hour, released, withdrawal
from tests.matching.examples import NOW
from tests.matching.test_changes import changed

STEPS = 60


class Walk:
    """One run of chance: each step is something that may happen at any time, also late or twice."""

    def __init__(self, office: Office, seed: int) -> None:
        self.office = office
        self.chance = random.Random(seed)
        self.cases: list[CaseSubmitted] = []
        self.hours: list[Any] = []
        self.kept: list[Any] = []
        self.version = 1

    async def any_step(self) -> None:
        steps: list[Callable[[], Awaitable[None]]] = [
            self.ask, self.change, self.withdraw, self.close, self.no_hour, self.book, self.cancel, self.decide,
            self.decide, self.let_time_pass, self.review, self.keep, self.keep, self.release,
        ]  # fmt: skip
        await self.chance.choice(steps)()

    async def ask(self) -> None:
        mode = self.chance.choice(["auto", "choose"])
        self.cases.append(
            a_case(booking_mode=mode, gate=self.chance.choice(["open", "open", "waits_for_consent"]))
        )
        await self.office.hear(self.office.matchmaker.match_cases, self.cases[-1])

    async def change(self) -> None:
        if self.cases:
            self.version += 1
            wishes = {
                "languages": self.chance.choice([("ur",), ("en",), ("bal",)]),
                "gate": self.chance.choice(["open", "open", "waits_for_consent"]),
            }
            event = changed(self.chance.choice(self.cases), self.version, **wishes)
            await self.office.hear(ChangeDesk(self.office.matchmaker).follow_changes, event)

    async def withdraw(self) -> None:
        if self.cases and self.chance.random() < 0.3:
            await self.office.hear(withdraw_matches, withdrawal(self.chance.choice(self.cases).case_id))

    async def close(self) -> None:
        if self.cases and self.chance.random() < 0.3:
            await self.office.hear(close_cases, closing(self.chance.choice(self.cases).case_id))

    async def no_hour(self) -> None:
        if matches := await self.office.made():
            await self.office.hear(self.office.matchmaker.match_again, no_hour(self.chance.choice(matches)))

    async def book(self) -> None:
        if matches := await self.office.made():
            hour = booked(self.chance.choice(matches), start=self.office.now["now"] + timedelta(days=1))
            self.hours.append(hour)
            await self.office.hear(count_hours, hour)

    async def keep(self) -> None:
        if offers := await self.office.made("offer"):
            self.kept.append(kept(self.chance.choice(offers)))
            await self.office.hear(follow_kept_hours, self.kept[-1])

    async def release(self) -> None:
        if self.kept:
            await self.office.hear(follow_kept_hours, released(self.chance.choice(self.kept)))

    async def cancel(self) -> None:
        if self.hours:
            await self.office.hear(count_hours, cancelled(self.chance.choice(self.hours)))

    async def decide(self) -> None:
        if offers := await self.office.said("match_offered"):
            wish: dict[str, Any] = self.chance.choice([{"option": 0}, {"reason": "none_suits"}])
            await decide(self.office, self.chance.choice(offers), **wish)

    async def let_time_pass(self) -> None:
        self.office.now["now"] += timedelta(hours=self.chance.choice([1, 20, 80]))
        rows = await self.office.database.pool.fetch("SELECT key, body FROM due WHERE kind = 'offer'")
        dues = [Due("offer", row["key"], NOW, row["body"]) for row in rows]
        await self.office.hear(ChoiceDesk(self.office.matchmaker).expire_offers, *dues)
        await self.office.hear(free_past_hours, Due("past_hours", "all", NOW))

    async def review(self) -> None:
        rows = await self.office.database.pool.fetch("SELECT key FROM due WHERE kind = 'review'")
        if rows:
            due = Due("review", self.chance.choice(rows)["key"], NOW)
            await self.office.hear(self.office.matchmaker.review_waiting, due)


async def attempts(office: Office) -> dict[UUID, int]:
    rows = await office.database.pool.fetch("SELECT case_id, attempt FROM cases")
    return {row["case_id"]: row["attempt"] for row in rows}


async def decisions(office: Office) -> dict[UUID, tuple[Any, ...]]:
    rows = await office.database.pool.fetch("SELECT * FROM offers WHERE state <> 'open'")
    return {row["match_id"]: tuple(row.values()) for row in rows}


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_happens_the_books_are_right(office: Office, seed: int) -> None:
    for number in range(1, 6):
        await office.describe(number, weekly_limit=1)
    walk = Walk(office, seed)
    tried, decided = await attempts(office), await decisions(office)
    for _ in range(STEPS):
        await walk.any_step()
        await office.loads()  # they are those of the holders, and none is negative
        now_tried, now_decided = await attempts(office), await decisions(office)
        assert all(now_tried[case] >= attempt for case, attempt in tried.items())
        assert decided.items() <= now_decided.items()
        tried, decided = now_tried, now_decided
    offered = await office.database.pool.fetch(
        "SELECT case_id, state FROM cases FULL JOIN (SELECT case_id FROM offers WHERE state = 'open') o"
        " USING (case_id) WHERE (cases.state = 'offered') IS DISTINCT FROM (o.case_id IS NOT NULL)"
    )
    assert offered == []  # whoever is to choose has one open offer, and nobody else has
    made = [(one["case_id"], one["attempt"]) for one in await office.made()]
    assert len(made) == len(set(made))
