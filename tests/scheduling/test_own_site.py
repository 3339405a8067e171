"""The desk of one site: it sees, changes and holds what is at its site, and nothing of another one of the organisation."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio

from services.scheduling.api.requests import HOLD
from services.scheduling.domain.agenda import filter_of
from services.scheduling.domain.changes import Caller, at_own_site
from services.scheduling.domain.refusals import Refused
from shared.contracts.scheduling import AppointmentBooked
from tests.scheduling import world
from tests.scheduling.asking import as_, fields, post
from tests.scheduling.reference import rule
from tests.scheduling.store import NOW, Store

OURS = "rehmat-hospital"
SEEN = {"if-match": '"1"'}


@pytest_asyncio.fixture(loop_scope="session")
async def sites(store: Store) -> tuple[UUID, UUID]:
    """Two of one organisation."""
    return await world.add_site(store), await world.add_site(store)


async def booked_at(store: Store, *sites: UUID | None) -> list[AppointmentBooked]:
    """An hour at each of these, one after the other; online where it is None."""
    for site in sites:
        rules = [rule(day, "09:00", "17:00", site) for day in range(1, 6)] if site else ()
        therapist = await world.add_therapist(store, rules)
        await store.hear(world.match((therapist, site)) if site else world.match(therapist))
    return await store.said(AppointmentBooked)


def desk(keys: Path, site: UUID | None) -> dict[str, str]:
    return as_(keys, "clinic_desk", organisation=OURS, **({"site_id": str(site)} if site else {}))


def path(hour: Any, step: str = "") -> str:
    return f"/v1/appointments/{hour.appointment_id}{step and '/'}{step}"


def test_a_desk_without_a_site_is_that_of_the_whole_organisation() -> None:
    here, there = uuid4(), uuid4()
    ours = Caller("clinic_desk", "s", None, OURS, here)
    assert [at_own_site(ours, site) for site in (here, there, None)] == [True, False, False]
    whole = Caller("clinic_desk", "s", None, OURS)
    assert all(at_own_site(whole, site) for site in (here, there, None))
    for asked in (there, None):
        with pytest.raises(Refused):
            filter_of(ours, asked, None, None, "UTC", 0)


async def test_the_desk_of_a_site_finds_what_is_there_and_nothing_else(
    http: httpx2.AsyncClient, store: Store, keys: Path, sites: tuple[UUID, UUID]
) -> None:
    own, other, online = await booked_at(store, *sites, None)
    mine = desk(keys, sites[0])
    assert (await http.get(path(own), headers=mine)).status_code == 200
    for hour in (other, online):
        for step in ("", ".ics"):
            assert (await http.get(f"{path(hour)}{step}", headers=mine)).status_code == 404
        for step in ("confirm", "cancel", "arrive", "fulfil", "no-show"):
            assert (await post(http, path(hour, step), {}, **mine, **SEEN)).status_code == 404, step
        assert (await http.get(path(hour), headers=desk(keys, None))).status_code == 200
    elsewhere = as_(keys, "clinic_desk", organisation="humqadam-network", site_id=str(sites[0]))
    assert (await http.get(path(own), headers=elsewhere)).status_code == 404


async def test_the_day_of_a_desk_is_that_of_its_site(
    http: httpx2.AsyncClient, store: Store, keys: Path, sites: tuple[UUID, UUID]
) -> None:
    own, other, _ = await booked_at(store, *sites, None)
    mine = desk(keys, sites[0])
    day = {"day": own.start.date().isoformat()}
    listed = await http.get("/v1/appointments", params=day, headers=mine)
    assert [one["appointment_id"] for one in listed.json()["appointments"]] == [str(own.appointment_id)]
    foreign = await http.get("/v1/appointments", params=day | {"site_id": str(sites[1])}, headers=mine)
    assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")
    whole = await http.get("/v1/appointments", params=day, headers=desk(keys, None))
    assert str(other.appointment_id) in whole.text


async def test_a_desk_moves_nothing_away_from_its_site(
    http: httpx2.AsyncClient, store: Store, keys: Path, sites: tuple[UUID, UUID]
) -> None:
    own, *_ = await booked_at(store, *sites)
    later = (own.start + timedelta(hours=2)).isoformat()
    mine = desk(keys, sites[0])
    for away in ({"site_id": str(sites[1])}, {"modality": "video"}):
        refused = await post(http, path(own, "reschedule"), {"start": later} | away, **mine, **SEEN)
        assert (refused.status_code, fields(refused)) == (422, [("/site_id", "not_yours")])
    moved = await post(http, path(own, "reschedule"), {"start": later}, **mine, **SEEN)
    assert (moved.status_code, moved.json()["site_id"]) == (200, str(sites[0]))


async def test_a_desk_holds_hours_at_its_site_alone(
    http: httpx2.AsyncClient, store: Store, keys: Path, sites: tuple[UUID, UUID]
) -> None:
    own, other = await booked_at(store, *sites)
    for hour in (own, other):
        assert (await post(http, path(hour, "cancel"), {}, **SEEN)).status_code == 200
    start = (NOW + timedelta(days=2)).replace(hour=7, minute=0).isoformat()
    mine, before = desk(keys, sites[0]), await store.admin.fetchval("SELECT count(*) FROM scheduling.holds")

    def wish(hour: AppointmentBooked, site: UUID) -> dict[str, Any]:
        asked = {"case_id": str(hour.case_id), "therapist_id": str(hour.therapist_id), "start": start}
        return HOLD | asked | {"modality": "in_person", "site_id": str(site)}

    for hour, site, pointer in ((own, sites[1], "/site_id"), (other, sites[0], "/case_id")):
        refused = await post(http, "/v1/holds", wish(hour, site), **mine, **{"idempotency-key": str(uuid4())})
        assert refused.status_code == 422
        assert [at for at, _ in fields(refused)] == [pointer]
    assert await store.admin.fetchval("SELECT count(*) FROM scheduling.holds") == before
    made = await post(http, "/v1/holds", wish(own, sites[0]), **mine, **{"idempotency-key": str(uuid4())})
    assert made.status_code == 201, made.text
    there = made.headers["location"]
    assert (await http.get(there, headers=mine)).status_code == 200
    assert (await http.get(there, headers=desk(keys, sites[1]))).status_code == 404


async def test_a_token_whose_site_is_none_is_no_token(http: httpx2.AsyncClient, keys: Path) -> None:
    broken = as_(keys, "clinic_desk", organisation=OURS, site_id="lahore")
    assert (await http.get("/v1/appointments", headers=broken)).status_code == 401
