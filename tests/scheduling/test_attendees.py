"""Who takes part in an hour beside whoever asked for it: sees it and puts it into the own calendar, and changes nothing."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from services.scheduling.domain.changes import Caller, next_steps, seen_by
from services.scheduling.domain.refusals import Refused
from shared.contracts.matching import MatchAttendee
from shared.contracts.scheduling import AppointmentBooked
from tests.scheduling import world
from tests.scheduling.asking import as_, post
from tests.scheduling.store import Store
from tests.scheduling.test_attendance import AN_HOUR

ROLES = ("participant", "guardian")
SEEN = {"if-match": '"1"'}


async def together(store: Store) -> AppointmentBooked:
    """An hour for two."""
    two = tuple(MatchAttendee(attendee_id=uuid4(), person_id=uuid4()) for _ in range(2))
    await store.hear(world.match(await world.add_therapist(store), attendees=two))
    hour: AppointmentBooked = (await store.said(AppointmentBooked))[-1]
    return hour


def taking_part(keys: Path, role: str, case_id: UUID, attendee_id: UUID) -> dict[str, str]:
    return as_(keys, role, str(attendee_id), case_id=str(case_id), attendee_id=str(attendee_id))


def path(hour: AppointmentBooked, step: str = "") -> str:
    return f"/v1/appointments/{hour.appointment_id}{step}"


@pytest.mark.parametrize("role", ROLES)
async def test_whoever_takes_part_sees_their_hour_and_takes_it_into_their_calendar(
    http: httpx2.AsyncClient, store: Store, keys: Path, role: str
) -> None:
    hour = await together(store)
    own = taking_part(keys, role, hour.case_id, hour.attendees[1].attendee_id)
    shown = await http.get(path(hour), headers=own)
    assert (shown.status_code, shown.json()["state"]) == (200, "booked")
    assert set(shown.json()["links"]) == {"self", "calendar"}
    file = await http.get(shown.json()["links"]["calendar"], headers=own)
    assert (file.status_code, file.headers["content-type"].split(";")[0]) == (200, "text/calendar")
    for text in (shown.text, file.text):
        hidden = (hour.case_id, *(i for one in hour.attendees for i in (one.attendee_id, one.person_id)))
        assert not [one for one in hidden if str(one) in text]


@pytest.mark.parametrize("role", ROLES)
async def test_an_hour_is_not_there_for_whoever_is_not_in_it(
    http: httpx2.AsyncClient, store: Store, keys: Path, role: str
) -> None:
    hour, other = await together(store), await together(store)
    mine = hour.attendees[1].attendee_id
    nobody: dict[str, Any] = as_(keys, role, str(mine), case_id=str(hour.case_id))
    for foreign in (
        taking_part(keys, role, hour.case_id, uuid4()),  # of the same case, agreed after it was booked
        taking_part(keys, role, other.case_id, other.attendees[1].attendee_id),
        taking_part(keys, role, other.case_id, mine),
        nobody,
    ):
        for what in (path(hour), path(hour, ".ics")):
            assert (await http.get(what, headers=foreign)).status_code == 404


@pytest.mark.parametrize("role", ROLES)
async def test_whoever_takes_part_neither_gives_an_hour_back_nor_moves_it(
    http: httpx2.AsyncClient, store: Store, keys: Path, role: str
) -> None:
    hour = await together(store)
    own = taking_part(keys, role, hour.case_id, hour.attendees[1].attendee_id) | SEEN
    move = {"start": "2026-11-24T10:00:00+05:00"}
    for step, body in (("cancel", {}), ("reschedule", move), ("arrive", {}), ("confirm", {}), ("undo", {})):
        assert (await post(http, path(hour, f"/{step}"), body, **own)).status_code == 403
    assert (await http.get("/v1/appointments", headers=own)).status_code == 403
    assert (await http.get(path(hour), headers=own)).headers["etag"] == '"1"'


def test_nothing_can_be_done_with_an_hour_by_whoever_takes_part_whatever_became_of_it() -> None:
    own = Caller("participant", "p", AN_HOUR.case_id, attendee_id=AN_HOUR.attendee_ids[0])
    assert seen_by(own, AN_HOUR) == AN_HOUR
    assert next_steps(AN_HOUR, own) == []
    with pytest.raises(Refused):
        seen_by(Caller("facilitator", "p", AN_HOUR.case_id, attendee_id=AN_HOUR.attendee_ids[0]), AN_HOUR)
