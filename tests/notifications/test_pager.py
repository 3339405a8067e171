"""The pager: the duty desk is paged at once, and again until a named human has the alarm; nobody else hears."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import aiohttp
import pytest

from deploy.local.ports import free_port
from services.notifications.domain.outcomes import Accepted
from services.notifications.domain.paging import PagingRules, reference
from services.notifications.gateways.sms import SmsGateway
from services.notifications.handlers import PAGER_HANDLERS
from services.notifications.handlers.paging import record_pages
from services.notifications.repository.paging import claim_pages
from services.notifications.sender.pages import Pager
from services.notifications.settings import SYNTHETIC_DUTY_DESK, PagerSettings
from services.notifications.templates import load_languages, load_reserved
from shared.contracts.base import Event
from shared.contracts.intake import (
    AlarmAcknowledged,
    AlarmClosed,
    AlarmLevelChanged,
    AlarmRaised,
)
from tests.notifications.facts import NOW, Desk
from tests.notifications.outside import OutsideWorld
from tests.waiting import PATIENCE

RULES = PagingRules({"R3": 5}, 15, 3)
LEVELS = ("R1", "R2", "R3")


@asynccontextmanager
async def paging(desk: Desk, url: str, settings: PagerSettings | None = None) -> AsyncIterator[Pager]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session:
        gateway = SmsGateway(session, url, load_reserved())
        yield Pager(desk.database, gateway, load_languages()["en"], RULES, settings or PagerSettings())


async def tell(desk: Desk, *events: Event) -> None:
    for event in events:
        async with desk.database.transaction() as tx:
            await PAGER_HANDLERS[type(event)]([event], tx)


def raised(alarm_id: UUID, level: str = "R3") -> AlarmRaised:
    return AlarmRaised(
        case_id=uuid4(), alarm_id=alarm_id, person_id=uuid4(), level=level, rule="item", rule_version="1",
        province="PK-PB", languages=("ur",), reachable=True, due_by=NOW, raised_at=NOW,
    )  # type: ignore[arg-type]  # fmt: skip


def acknowledged(alarm_id: UUID) -> AlarmAcknowledged:
    return AlarmAcknowledged(case_id=uuid4(), alarm_id=alarm_id, staff_id="staff", acknowledged_at=NOW)


def closed(alarm_id: UUID) -> AlarmClosed:
    return AlarmClosed(case_id=uuid4(), alarm_id=alarm_id, staff_id="staff", outcome="reached", closed_at=NOW)


async def test_the_desk_is_paged_at_once_with_a_reference_and_nothing_else(
    desk: Desk, outside: OutsideWorld
) -> None:
    alarm = uuid4()
    await tell(desk, raised(alarm))
    async with paging(desk, outside.url) as pager:
        assert await pager.page_once() == 1
        assert await pager.page_once() == 0
    [page] = outside.received("sms")
    assert page["to"] == SYNTHETIC_DUTY_DESK
    assert page["text"] == f"Duty desk: please look at the list now. Ref {reference(alarm)}."


async def test_it_is_paged_again_for_ever_until_a_human_has_it(desk: Desk, outside: OutsideWorld) -> None:
    alarm = uuid4()
    await tell(desk, raised(alarm))
    async with paging(desk, outside.url) as pager:
        for turn in range(6):
            desk.now = NOW + timedelta(minutes=5 * turn)
            assert await pager.page_once() == 1
            desk.now += timedelta(minutes=4)
            assert await pager.page_once() == 0
        await tell(desk, acknowledged(alarm))
        desk.now += timedelta(days=1)
        assert await pager.page_once() == 0
    assert len(outside.received("sms")) == 6


async def test_the_event_again_pages_nothing_again(desk: Desk, outside: OutsideWorld) -> None:
    alarm = raised(uuid4())
    await tell(desk, alarm, alarm)
    async with paging(desk, outside.url) as pager:
        await pager.page_once()
        await tell(desk, alarm)
        assert await pager.page_once() == 0
    assert len(outside.received("sms")) == 1


async def test_an_answer_heard_before_the_alarm_keeps_it_quiet(desk: Desk, outside: OutsideWorld) -> None:
    first, second = uuid4(), uuid4()
    await tell(desk, acknowledged(first), raised(first), closed(second), acknowledged(second), raised(second))
    async with paging(desk, outside.url) as pager:
        assert await pager.page_once() == 0
    states = await desk.pool.fetch("SELECT state FROM alarms ORDER BY state")
    assert [row["state"] for row in states] == ["acknowledged", "closed"]


async def test_a_gateway_that_is_away_is_tried_again_soon_with_the_same_page(
    desk: Desk, outside: OutsideWorld
) -> None:
    await tell(desk, raised(uuid4()))
    async with paging(desk, f"http://127.0.0.1:{free_port()}") as pager:
        for _ in range(20):
            assert await pager.page_once() == 1
            desk.now += timedelta(seconds=30)
        assert pager.metrics()["pages_failed_total"] == 20
    async with paging(desk, outside.url) as pager:
        await pager.page_once()
    assert len(outside.received("sms")) == 1


async def test_a_crash_before_the_record_does_not_page_twice(desk: Desk, outside: OutsideWorld) -> None:
    await tell(desk, raised(uuid4()))
    before = await desk.pool.fetchrow("SELECT * FROM alarms")
    assert before is not None
    async with paging(desk, outside.url) as pager:
        await pager.page_once()
        await desk.pool.execute("UPDATE alarms SET page_id = $1, next_page_at = $2", before["page_id"], NOW)
        await pager.page_once()
    assert len(outside.received("sms")) == 1
    assert outside.sms.repeated == 1


async def test_an_alarm_that_could_not_be_read_is_paged_until_an_operator_settles_it(
    desk: Desk, outside: OutsideWorld
) -> None:
    letter = uuid4()
    await desk.pool.execute(
        "INSERT INTO dead_letters (id, grp, topic, partition, record_offset, key, type, error, stack) "
        "VALUES ($1, 'pager', 'intake.alarms', 0, 0, 'k', 'malformed', 'Malformed', '')",
        letter,
    )
    async with paging(desk, outside.url) as pager:
        await pager.look_around()
        assert await pager.page_once() == 1
        desk.now += timedelta(minutes=15)
        await pager.look_around()
        assert await pager.page_once() == 1
        await desk.pool.execute("UPDATE dead_letters SET state = 'redriven' WHERE id = $1", letter)
        desk.now += timedelta(minutes=15)
        await pager.look_around()
        assert await pager.page_once() == 0


async def test_nothing_of_a_page_is_told_on_a_topic_or_in_a_journey(
    desk: Desk, outside: OutsideWorld
) -> None:
    await tell(desk, raised(uuid4()))
    async with paging(desk, outside.url) as pager:
        await pager.page_once()
        await pager.look_around()
        assert pager.metrics()["alarms_unanswered_seconds"] == 0
    assert await desk.said() == []
    assert await desk.pool.fetchval("SELECT count(*) FROM journey") == 0


def judged(alarm_id: UUID, level: str) -> AlarmLevelChanged:
    return AlarmLevelChanged(
        case_id=uuid4(), alarm_id=alarm_id, staff_id="staff", level=level, due_by=NOW, changed_at=NOW
    )  # type: ignore[arg-type]  # fmt: skip


async def test_a_raise_pages_at_once_and_at_the_pace_of_the_new_level(
    desk: Desk, outside: OutsideWorld
) -> None:
    alarm = uuid4()
    await tell(desk, raised(alarm, "R1"))
    async with paging(desk, outside.url) as pager:
        assert await pager.page_once() == 1
        desk.now += timedelta(minutes=1)
        await tell(desk, judged(alarm, "R3"))
        assert await pager.page_once() == 1
        desk.now += timedelta(minutes=5)
        assert await pager.page_once() == 1
    assert len(outside.received("sms")) == 3


async def test_a_lower_level_is_paged_as_planned_and_then_at_its_own_pace(
    desk: Desk, outside: OutsideWorld
) -> None:
    alarm = uuid4()
    await tell(desk, raised(alarm, "R3"))
    async with paging(desk, outside.url) as pager:
        await pager.page_once()
        await tell(desk, judged(alarm, "R1"))
        assert await pager.page_once() == 0
        desk.now += timedelta(minutes=5)
        assert await pager.page_once() == 1
        desk.now += timedelta(minutes=14)
        assert await pager.page_once() == 0
        desk.now += timedelta(minutes=1)
        assert await pager.page_once() == 1


async def test_a_raise_while_a_page_is_on_its_way_is_paged_by_itself(
    desk: Desk, outside: OutsideWorld
) -> None:
    alarm = uuid4()
    await tell(desk, raised(alarm, "R1"))
    async with desk.database.transaction() as tx:
        due = await claim_pages(tx, 10, 60)
    await tell(desk, judged(alarm, "R3"))
    async with desk.database.transaction() as tx:
        await record_pages(tx, [(page, Accepted("x")) for page in due], RULES)
    async with paging(desk, outside.url) as pager:
        assert await pager.page_once() == 1


async def test_who_has_an_alarm_is_not_paged_for_a_raise(desk: Desk, outside: OutsideWorld) -> None:
    first, second, third = uuid4(), uuid4(), uuid4()
    await tell(desk, raised(first, "R1"), acknowledged(first), judged(first, "R3"))
    await tell(desk, acknowledged(second), judged(second, "R3"), raised(second, "R1"))
    await tell(desk, raised(third, "R1"), closed(third), judged(third, "R3"))
    async with paging(desk, outside.url) as pager:
        assert await pager.page_once() == 0


async def test_a_level_of_an_alarm_not_heard_of_is_paged_because_nobody_has_it(
    desk: Desk, outside: OutsideWorld
) -> None:
    alarm = uuid4()
    await tell(desk, judged(alarm, "R3"), raised(alarm, "R1"))
    async with paging(desk, outside.url) as pager:
        assert await pager.page_once() == 1
        desk.now += timedelta(minutes=5)
        assert await pager.page_once() == 1


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_is_said_an_alarm_is_never_quiet_while_nobody_has_it(
    desk: Desk, outside: OutsideWorld, seed: int
) -> None:
    chance, alarm, has_it = random.Random(seed), uuid4(), False
    await tell(desk, raised(alarm, chance.choice(LEVELS)))
    async with paging(desk, outside.url) as pager:
        for _ in range(25):
            act = chance.choices(["level", "again", "page", "taken"], [5, 2, 5, 1])[0]
            if act == "level":
                await tell(desk, judged(alarm, chance.choice(LEVELS)))
            elif act == "again":
                await tell(desk, raised(alarm, chance.choice(LEVELS)))
            elif act == "taken":
                await tell(desk, chance.choice([acknowledged, closed])(alarm))
                has_it = True
            desk.now += timedelta(minutes=chance.randrange(20))
            await pager.page_once()
            row = await desk.pool.fetchrow(
                "SELECT state, next_page_at FROM alarms WHERE alarm_id = $1", alarm
            )
            assert row is not None
            assert (row["state"] == "open") == (not has_it)
            if not has_it:
                assert row["next_page_at"] <= desk.now + timedelta(minutes=RULES.otherwise)
        before = len(outside.received("sms"))
        desk.now += timedelta(minutes=RULES.otherwise)
        await pager.page_once()
        assert (len(outside.received("sms")) == before) == has_it
