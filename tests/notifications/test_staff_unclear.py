"""Staff who may have got a message are told what became of its hours, though nobody said that it arrived."""

import pytest

from services.notifications.domain.outcomes import Unclear
from services.notifications.handlers.telling_staff import claim_staff_messages, record_staff_messages
from tests.notifications.facts import Desk, cancelled
from tests.notifications.outside import OutsideWorld
from tests.notifications.staff import NUMBERS, QUARTER, RULES, bookings, give_numbers, news, telling, told


@pytest.fixture(autouse=True)
def staff_have_numbers(desk: Desk) -> None:
    give_numbers(desk)


async def leave(desk: Desk, outside: OutsideWorld, *, crashed: bool) -> None:
    """What is due arrives, and no answer of the gateway does; or we are gone before we write it down."""
    desk.now += QUARTER
    async with telling(desk, outside.url) as sender:
        async with desk.database.transaction() as tx:
            claimed = await claim_staff_messages(tx, 10, 12, NUMBERS.keys(), RULES)
        await sender._gateway.send([sender._write(one, hours) for one, hours in claimed.items()])
    if not crashed:
        async with desk.database.transaction() as tx:
            await record_staff_messages(tx, dict.fromkeys(claimed, Unclear("gateway_silent")))


@pytest.mark.parametrize("crashed", [True, False])
async def test_an_hour_that_may_have_been_told_is_told_to_be_cancelled(
    crashed: bool, desk: Desk, outside: OutsideWorld
) -> None:
    [booking] = bookings(1)
    await desk.tell(booking)
    await leave(desk, outside, crashed=crashed)
    await desk.tell(cancelled(booking))
    [(_, text)] = await told(desk, outside)
    assert text == "The appointment on Fri 8 Jan at 1:00 pm, online, by video, is cancelled."
    assert ("new_booking", "skipped", "superseded") in await news(desk)


async def test_an_hour_in_hand_that_was_cancelled_before_it_could_leave_is_told_to_nobody(
    desk: Desk, outside: OutsideWorld
) -> None:
    [booking] = bookings(1)
    await desk.tell(booking)
    outside.sms_status = 503
    assert await told(desk, outside) == []
    outside.sms_status = 200
    await desk.tell(cancelled(booking))
    assert await told(desk, outside) == []
    assert {reason for _, _, reason in await news(desk)} == {"cancelled"}
