"""An alarm that nobody takes: the next on the rota is paged besides the desk, and nobody once a human has it."""

import itertools
import random
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from deploy.local.ports import free_port
from services.notifications.domain.outcomes import Accepted
from services.notifications.domain.paging import OWN_TRIES
from services.notifications.handlers.paging import record_pages
from services.notifications.repository.paging import claim_pages
from services.notifications.settings import SYNTHETIC_DUTY_DESK, PagerSettings
from shared.contracts.base import Event
from shared.contracts.intake import AlarmEscalated
from tests.notifications.facts import NOW, Desk
from tests.notifications.outside import OutsideWorld
from tests.notifications.test_handovers import BILAL, CAREEM, at, closed, given, numbers, settings, taken
from tests.notifications.test_pager import RULES, judged, paging, raised, tell

__all__ = ["settings"]
DESK = SYNTHETIC_DUTY_DESK


def untaken(alarm_id: UUID, minutes: float, to: str | None = "s-bilal") -> AlarmEscalated:
    return AlarmEscalated(
        case_id=uuid4(), alarm_id=alarm_id, level="R3", missing="acknowledgement", to_staff_id=to,
        escalated_at=at(minutes),
    )  # fmt: skip


async def page_until(desk: Desk, url: str, settings: PagerSettings, *minutes: int) -> None:
    """What is due at each of these minutes."""
    async with paging(desk, url, settings) as pager:
        for minute in minutes:
            desk.now = at(minute)
            await pager.page_once()


async def test_the_next_on_the_rota_is_paged_besides_the_desk_and_then_the_next_after_them(
    desk: Desk, outside: OutsideWorld, settings: PagerSettings
) -> None:
    alarm = uuid4()
    await tell(desk, raised(alarm))
    await page_until(desk, outside.url, settings, 0)
    assert numbers(outside) == [DESK]
    desk.now = at(1)
    await tell(desk, untaken(alarm, 1))
    await page_until(desk, outside.url, settings, 1, 4, 5)
    assert numbers(outside)[1:] == [BILAL, BILAL, DESK]
    desk.now = at(6)
    await tell(desk, untaken(alarm, 6, "s-careem"))
    await page_until(desk, outside.url, settings, 6, 7, 9, 10)
    assert numbers(outside)[4:] == [CAREEM, CAREEM, DESK]
    assert "s-careem" not in str(outside.received("sms"))


async def test_after_somebody_has_taken_it_neither_the_desk_nor_the_rota_is_paged(
    desk: Desk, outside: OutsideWorld, settings: PagerSettings
) -> None:
    alarm, other = uuid4(), uuid4()
    await tell(desk, raised(alarm), raised(other), untaken(alarm, 1), untaken(other, 1), taken(alarm, 2))
    await tell(desk, closed(other, 2))
    await page_until(desk, outside.url, settings, 2, 900)
    assert numbers(outside) == []
    assert await desk.pool.fetchval("SELECT count(*) FROM rota_pages") == 0


async def test_a_word_of_who_has_it_counts_although_the_clock_says_it_was_said_before_the_next_was_asked(
    desk: Desk, outside: OutsideWorld, settings: PagerSettings
) -> None:
    alarm = uuid4()
    await tell(desk, raised(alarm), untaken(alarm, 2), taken(alarm, 1))
    await page_until(desk, outside.url, settings, 3, 900)
    assert numbers(outside) == []


async def test_with_nobody_on_the_desk_is_rung_at_once_and_it_is_shown_that_nobody_is_there(
    desk: Desk, outside: OutsideWorld, settings: PagerSettings
) -> None:
    alarm = uuid4()
    await tell(desk, raised(alarm), untaken(alarm, 0))
    await page_until(desk, outside.url, settings, 0)
    desk.now = at(1)
    await tell(desk, untaken(alarm, 1, None))
    async with paging(desk, outside.url, settings) as pager:
        await pager.look_around()
        assert pager.metrics()["alarms_unstaffed"] == 1
        await pager.page_once()
    await page_until(desk, outside.url, settings, 4, 5, 6)
    assert sorted(numbers(outside)[:2]) == sorted([DESK, BILAL])
    assert numbers(outside)[2:] == [DESK, DESK]
    await tell(desk, taken(alarm, 7))
    async with paging(desk, outside.url, settings) as pager:
        await pager.look_around()
        assert pager.metrics()["alarms_unstaffed"] == 0


async def test_with_nobody_whose_number_is_known_the_desk_is_rung_and_that_is_shown_too(
    desk: Desk, outside: OutsideWorld, settings: PagerSettings
) -> None:
    await tell(desk, untaken(uuid4(), 0, "s-nobody"), untaken(uuid4(), 0, "s-careem"))
    async with paging(desk, outside.url, settings) as pager:
        await pager.look_around()
        assert pager.metrics()["alarms_unstaffed"] == 1
        await pager.page_once()
    assert sorted(numbers(outside)) == sorted([DESK, DESK, DESK, CAREEM])


async def test_a_number_that_fails_neither_delays_the_desk_nor_is_waited_for(
    desk: Desk, outside: OutsideWorld, settings: PagerSettings
) -> None:
    await tell(desk, raised(uuid4()), untaken(uuid4(), 0))
    async with paging(desk, f"http://127.0.0.1:{free_port()}", settings) as pager:
        for _ in range(OWN_TRIES):
            await pager.page_once()
            desk.now += timedelta(minutes=1)
    async with paging(desk, outside.url, settings) as pager:
        await pager.page_once()
    assert set(numbers(outside)) == {DESK}


async def test_a_page_on_its_way_to_somebody_does_not_put_off_the_page_to_the_next(
    desk: Desk, outside: OutsideWorld, settings: PagerSettings
) -> None:
    alarm = uuid4()
    await tell(desk, untaken(alarm, 0))
    async with desk.database.transaction() as tx:
        due = await claim_pages(tx, 10, 60)
    await tell(desk, untaken(alarm, 1, "s-careem"))
    async with desk.database.transaction() as tx:
        await record_pages(tx, [(page, Accepted("x")) for page in due], RULES)
    await page_until(desk, outside.url, settings, 1)
    assert numbers(outside) == [CAREEM]


async def test_a_crash_before_the_record_does_not_page_anybody_on_the_rota_twice(
    desk: Desk, outside: OutsideWorld, settings: PagerSettings
) -> None:
    await tell(desk, untaken(uuid4(), 0))
    before = await desk.pool.fetchval("SELECT page_id FROM rota_pages")
    async with paging(desk, outside.url, settings) as pager:
        await pager.page_once()
        await desk.pool.execute("UPDATE rota_pages SET page_id = $1, next_page_at = $2", before, NOW)
        await pager.page_once()
    assert numbers(outside).count(BILAL) == 1
    assert outside.sms.repeated == 1


async def test_whoever_is_asked_is_not_asked_again_by_the_same_or_an_older_word(
    desk: Desk, outside: OutsideWorld, settings: PagerSettings
) -> None:
    alarm = uuid4()
    await tell(desk, untaken(alarm, 2, "s-careem"))
    await page_until(desk, outside.url, settings, 0)
    await tell(desk, untaken(alarm, 2, "s-careem"), untaken(alarm, 1), untaken(alarm, 0, None))
    await page_until(desk, outside.url, settings, 1)
    assert sorted(numbers(outside)) == sorted([DESK, CAREEM])


async def test_who_has_it_and_gives_it_away_is_followed_as_a_handover_and_the_rota_is_left(
    desk: Desk, outside: OutsideWorld, settings: PagerSettings
) -> None:
    alarm = uuid4()
    await tell(desk, raised(alarm), untaken(alarm, 1, "s-careem"), taken(alarm, 2), given(alarm, 3))
    await page_until(desk, outside.url, settings, 3, 6)
    assert numbers(outside) == [BILAL, BILAL]


def story(alarm: UUID, *words: int) -> Sequence[Event]:
    said = [
        raised(alarm), untaken(alarm, 1), untaken(alarm, 2, None), taken(alarm, 1.5), judged(alarm, "R3"),
        closed(alarm, 3),
    ]  # fmt: skip
    return [said[word] for word in words]


@pytest.mark.parametrize("order", [*itertools.permutations(range(5))][::7])
async def test_in_whatever_order_it_is_heard_nobody_is_paged_who_need_not_be(
    desk: Desk, outside: OutsideWorld, settings: PagerSettings, order: Sequence[int]
) -> None:
    whole, unanswered = uuid4(), uuid4()
    await tell(desk, *story(whole, *order), *story(unanswered, *(one for one in order if one != 3)))
    rows = await desk.pool.fetch("SELECT alarm_id, state FROM alarms")
    assert {row["alarm_id"]: row["state"] for row in rows} == {whole: "acknowledged", unanswered: "open"}
    asked = await desk.pool.fetch("SELECT alarm_id, staff_id FROM rota_pages")
    assert [tuple(row) for row in asked] == [(unanswered, None)]
    await page_until(desk, outside.url, settings, 5, 900)
    assert numbers(outside) == [DESK, DESK]


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_is_said_no_page_leaves_after_the_acknowledgement_and_none_is_missing_before(
    desk: Desk, outside: OutsideWorld, settings: PagerSettings, seed: int
) -> None:
    chance, alarm, has_it = random.Random(seed), uuid4(), False
    async with paging(desk, outside.url, settings) as pager:
        for minute in range(40):
            desk.now = at(minute)
            word = chance.choices([0, 1, 2, 3, 4, 5, None], [2, 4, 2, 1, 2, 1, 8])[0]
            before = len(numbers(outside))
            if word is not None:
                event = untaken(alarm, minute, chance.choice(["s-bilal", "s-careem", "s-nobody"]))
                await tell(desk, event if word == 1 else story(alarm, word)[0])
                has_it = has_it or word in (3, 5)
            await pager.page_once()
            if has_it:
                assert len(numbers(outside)) == before
            elif word == 1:
                assert len(numbers(outside)) > before
