"""A booking stands as its latest version says, in whatever order and batches its changes are heard, and heard again."""

from itertools import permutations
from typing import Any

import pytest

from shared.contracts.scheduling import AppointmentArrived
from shared.messaging import Database
from tests.partners.appointments import HOSPITAL, a_booking, became, moved, tell

LATEST = "SELECT version, status FROM bookings WHERE appointment_id = $1"
STANDING = "SELECT said ->> 'status' FROM told WHERE organisation = $1 AND until IS NULL AND said ->> 'practitioner' = $2"
POSITIONS = "SELECT position FROM told WHERE organisation = $1 ORDER BY position"


@pytest.mark.parametrize("at_once", [True, False])
async def test_what_a_partner_has_is_the_latest_version_in_whatever_order_it_is_heard(
    partners: Database, at_once: bool
) -> None:
    for order in permutations(range(3)):
        booking = a_booking()
        change = moved(booking)
        events: list[Any] = [booking, change, became(change, AppointmentArrived)]
        other = a_booking()
        for place in (*order, *order):
            await tell(partners, *([events[place], other] if at_once else [events[place]]))
        row = await partners.pool.fetchrow(LATEST, booking.appointment_id)
        assert tuple(row) == (3, "arrived")
        said = await partners.pool.fetch(STANDING, HOSPITAL, str(booking.therapist_id))
        assert [one[0] for one in said] == ["arrived"]
    positions = [row["position"] for row in await partners.pool.fetch(POSITIONS, HOSPITAL)]
    assert positions == list(range(1, len(positions) + 1))
