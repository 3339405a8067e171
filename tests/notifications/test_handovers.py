"""An alarm that was handed over: the colleague is paged until somebody has it, then whoever is asked after them."""

import itertools
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from deploy.local.ports import free_port
from services.notifications.domain.paging import OWN_TRIES, number_for
from services.notifications.settings import SYNTHETIC_DUTY_DESK, PagerSettings
from shared.contracts.base import Event
from shared.contracts.intake import AlarmAcknowledged, AlarmClosed, AlarmEscalated, AlarmHandedOver
from tests.notifications.facts import NOW, Desk
from tests.notifications.outside import OutsideWorld
from tests.notifications.test_pager import paging, raised, tell

BILAL, CAREEM = "+923990000011", "+923990000012"


@pytest.fixture
def settings(tmp_path: Path) -> PagerSettings:
    file = tmp_path / "numbers.json"
    file.write_text(json.dumps({"s-bilal": BILAL, "s-careem": CAREEM}))
    return PagerSettings(staff_numbers_file=file)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def taken(alarm_id: UUID, minutes: float, by: str = "s-asma") -> AlarmAcknowledged:
    return AlarmAcknowledged(case_id=uuid4(), alarm_id=alarm_id, staff_id=by, acknowledged_at=at(minutes))


def given(alarm_id: UUID, minutes: float, to: str = "s-bilal", by: str = "s-asma") -> AlarmHandedOver:
    return AlarmHandedOver(
        case_id=uuid4(), alarm_id=alarm_id, staff_id=by, to_staff_id=to, handed_over_at=at(minutes)
    )


def escalated(alarm_id: UUID, minutes: float, to: str | None = "s-careem") -> AlarmEscalated:
    return AlarmEscalated(
        case_id=uuid4(), alarm_id=alarm_id, level="R3", to_staff_id=to, escalated_at=at(minutes)
    )


def closed(alarm_id: UUID, minutes: float) -> AlarmClosed:
    return AlarmClosed(
        case_id=uuid4(), alarm_id=alarm_id, staff_id="s", outcome="reached_and_safe", closed_at=at(minutes)
    )


def numbers(outside: OutsideWorld) -> list[str]:
    return [page["to"] for page in outside.received("sms")]


async def test_a_colleague_is_paged_on_their_own_number_until_they_have_it_and_then_the_next_is(
    desk: Desk, outside: OutsideWorld, settings: PagerSettings
) -> None:
    alarm = uuid4()
    await tell(desk, raised(alarm), taken(alarm, 0), given(alarm, 1))
    async with paging(desk, outside.url, settings) as pager:
        assert await pager.page_once() == 1
        desk.now = at(2)
        assert await pager.page_once() == 0
        desk.now = at(4)
        assert await pager.page_once() == 1
        desk.now = at(11)
        await tell(desk, escalated(alarm, 11))
        assert await pager.page_once() == 1
        desk.now = at(21)
        await tell(desk, escalated(alarm, 21, None))
        assert await pager.page_once() == 1
        await tell(desk, taken(alarm, 22, "s-careem"))
        desk.now = at(900)
        assert await pager.page_once() == 0
    assert numbers(outside) == [BILAL, BILAL, CAREEM, SYNTHETIC_DUTY_DESK]
    assert "s-bilal" not in str(outside.received("sms"))


async def test_whoever_took_it_over_themselves_is_not_paged(
    desk: Desk, outside: OutsideWorld, settings: PagerSettings
) -> None:
    alarm = uuid4()
    await tell(desk, raised(alarm), taken(alarm, 0), given(alarm, 1, "s-bilal", by="s-bilal"))
    async with paging(desk, outside.url, settings) as pager:
        assert await pager.page_once() == 0


async def test_a_colleague_without_a_number_or_whose_number_fails_is_paged_at_the_desk(
    desk: Desk, outside: OutsideWorld, settings: PagerSettings
) -> None:
    unknown, known = uuid4(), uuid4()
    await tell(desk, given(unknown, 0, "s-nobody"))
    async with paging(desk, outside.url, settings) as pager:
        await pager.page_once()
    assert numbers(outside) == [SYNTHETIC_DUTY_DESK]
    await tell(desk, taken(unknown, 1), given(known, 1))
    async with paging(desk, f"http://127.0.0.1:{free_port()}", settings) as pager:
        for _ in range(OWN_TRIES):
            desk.now += timedelta(minutes=1)
            assert await pager.page_once() == 1
    desk.now += timedelta(minutes=1)
    async with paging(desk, outside.url, settings) as pager:
        assert await pager.page_once() == 1
    assert numbers(outside) == [SYNTHETIC_DUTY_DESK] * 2


def story(alarm: UUID) -> Sequence[Event]:
    return [taken(alarm, 0), given(alarm, 1), escalated(alarm, 2), taken(alarm, 3, "s-careem")]


@pytest.mark.parametrize("order", [*itertools.permutations(range(4))])
async def test_in_whatever_order_it_is_heard_the_last_word_decides_who_is_paged(
    desk: Desk, order: Sequence[int]
) -> None:
    whole, unanswered, over = uuid4(), uuid4(), uuid4()
    await tell(desk, *(story(whole)[place] for place in order))
    await tell(desk, *(story(unanswered)[place] for place in order if place != 3))
    await tell(desk, closed(over, 1.5), *(story(over)[place] for place in order))
    rows = await desk.pool.fetch("SELECT alarm_id, state, page_to FROM alarms")
    stands = {row["alarm_id"]: (row["state"], row["page_to"]) for row in rows}
    assert stands[whole] == ("acknowledged", None)
    assert stands[unanswered] == ("open", "s-careem")
    assert stands[over] == ("closed", None)


def test_numbers_of_staff_are_those_of_the_file_or_the_start_stops(tmp_path: Path) -> None:
    file = tmp_path / "numbers.json"
    for text in ('{"s-bilal": "0300 1234567"}', "[]", '{"s-bilal": 5}', "s-bilal: +923990000011"):
        file.write_text(text)
        with pytest.raises(ValueError, match="STAFF_NUMBERS_FILE"):
            PagerSettings(staff_numbers_file=file).staff_numbers()
    assert PagerSettings().staff_numbers() == {}
    assert number_for(None, 0, {"s": BILAL}, "desk") == "desk"
