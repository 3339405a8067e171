"""Open hours of many therapists in one query: only what can be booked, page by page, at the same price."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from services.scheduling.domain.availability import Need
from services.scheduling.domain.wall_time import minute_of
from services.scheduling.handlers.listing import open_slots
from services.scheduling.repository import roster
from tests.scheduling import world
from tests.scheduling.asking import as_, fields
from tests.scheduling.reference import rule
from tests.scheduling.store import NOW, Store

WEDNESDAY = (NOW + timedelta(days=2)).isoformat()


async def asked(http: httpx2.AsyncClient, *therapists: UUID, **query: Any) -> Any:
    """What is open until Wednesday, unless asked otherwise."""
    usual = {"therapist_id": [str(one) for one in therapists], "to": WEDNESDAY}
    answer = await http.get("/v1/slots", params=usual | query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def starts(found: Any) -> list[list[str]]:
    """Day and time of each slot, therapist by therapist."""
    return [[slot["start"][5:16] for slot in one["slots"]] for one in found["therapists"]]


async def test_open_hours_come_page_by_page_and_only_those_that_can_be_booked(
    http: httpx2.AsyncClient, store: Store
) -> None:
    therapist = await world.add_therapist(store)
    await store.hear(world.match(therapist))
    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(20):
        page = await asked(http, therapist, limit=5, **cursor)
        found += starts(page)[0]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == sorted(set(found))
    assert found[0] == "11-23T13:15"  # 12:00 to 12:50 is taken, with ten minutes on both sides
    assert found[-1] == "11-25T09:00"


async def test_a_start_whose_pause_would_reach_into_an_hour_that_is_over_is_not_shown(
    http: httpx2.AsyncClient, store: Store
) -> None:
    therapist = await world.add_therapist(store, buffer=20, notice=0)
    await store.hear(world.match(therapist))
    store.now = NOW + timedelta(hours=3, minutes=11)
    assert starts(await asked(http, therapist, limit=1)) == [["11-23T13:30"]]


async def test_many_therapists_are_answered_each_by_itself_in_the_order_of_the_question(
    http: httpx2.AsyncClient, store: Store
) -> None:
    first = await world.add_therapist(store, [rule(1, "12:00", "13:00")])
    second = await world.add_therapist(store, [rule(1, "13:00", "14:00")], time_zone="Asia/Dubai")
    stranger = uuid4()
    page = await asked(http, second, first, stranger, second)
    assert [one["therapist_id"] for one in page["therapists"]] == [str(second), str(first), str(stranger)]
    assert [one["time_zone"] for one in page["therapists"]] == ["Asia/Dubai", "Asia/Karachi", None]
    assert starts(page) == [["11-23T13:00"], ["11-23T12:00"], []]
    assert page["therapists"][1]["slots"] == [
        {"start": "2026-11-23T12:00:00+05:00", "end": "2026-11-23T12:50:00+05:00", "site_id": None}
    ]


async def test_a_page_ends_for_all_therapists_at_the_same_time(
    http: httpx2.AsyncClient, store: Store
) -> None:
    both = [await world.add_therapist(store, [rule(1, "12:00", "13:15")]) for _ in range(2)]
    first = await asked(http, *both, limit=1)
    assert starts(first) == [["11-23T12:00"], ["11-23T12:00"]]
    second = await asked(http, *both, limit=3, cursor=first["next"])
    assert starts(second) == [["11-23T12:15"], ["11-23T12:15"]]
    assert second["next"] is None


@pytest.mark.parametrize("how", [{"lane": "in_person"}, {"modality": "in_person"}])
async def test_in_person_only_the_sites_that_are_asked_for_are_shown(
    http: httpx2.AsyncClient, store: Store, how: dict[str, str]
) -> None:
    here, there = await world.add_site(store), await world.add_site(store)
    rules = [rule(1, "12:00", "13:00", here), rule(2, "12:00", "13:00", there), rule(1, "15:00", "16:00")]
    therapist = await world.add_therapist(store, rules)
    assert starts(await asked(http, therapist, **how)) == [["11-23T12:00", "11-24T12:00"]]
    assert starts(await asked(http, therapist, **how, site_id=str(there))) == [["11-24T12:00"]]
    assert starts(await asked(http, therapist, **how, site_id=str(uuid4()))) == [[]]
    assert starts(await asked(http, therapist, modality="phone")) == [["11-23T15:00"]]


async def test_the_number_of_queries_does_not_grow_with_the_number_of_therapists(store: Store) -> None:
    site = await world.add_site(store)
    therapists = [
        await world.add_therapist(store, [rule(1, "12:00", "14:00", site), rule(2, "12:00", "14:00")])
        for _ in range(30)
    ]
    need = Need("in_person", 50, (), minute_of(NOW), minute_of(NOW) + 7 * 1440)
    counted: list[int] = []
    for number in (1, 30):
        for one in therapists[:number]:
            roster._known.pop(one, None)  # as in a process that has just started
        said: list[Any] = []
        async with store.transaction() as tx:
            with tx.connection.query_logger(said.append):
                found = await open_slots(tx, therapists[:number], need, 500)
        assert {slot.therapist_id for slot in found.slots} == set(therapists[:number])
        counted.append(len(said))
    assert counted[0] == counted[1] <= 8


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, ("therapist_id", "missing")),
        ({"therapist_id": "somebody"}, ("therapist_id/0", "uuid_parsing")),
        ({"therapist_id": [str(uuid4()) for _ in range(51)]}, ("therapist_id", "too_long")),
        ({"lane": "crisis"}, ("lane", "literal_error")),
        ({"modality": "letter"}, ("modality", "literal_error")),
        ({"modality": "video", "lane": "in_person"}, ("modality", "other_lane")),
        ({"site_id": str(uuid4())}, ("site_id", "not_allowed")),
        ({"site_id": "lahore", "lane": "in_person"}, ("site_id/0", "uuid_parsing")),
        ({"minutes": "5"}, ("minutes", "greater_than_equal")),
        ({"from": "2026-11-23T10:00:00"}, ("from", "timezone_aware")),
        ({"from": "9999-12-31T23:59:59Z"}, ("from", "too_far")),
        ({"to": "9999-12-31T23:59:59-14:00"}, ("to", "too_far")),
        ({"to": "2020-01-01T10:00:00Z"}, ("to", "end_before_start")),
        ({"from": "2026-11-25T10:00:00Z", "to": "2026-11-25T10:00:00Z"}, ("to", "end_before_start")),
        ({"from": "0001-01-01T00:00:00+14:00", "to": "2026-11-22T10:00:00Z"}, ("to", "in_the_past")),
        ({"limit": "0"}, ("limit", "greater_than_equal")),
        ({"limit": "501"}, ("limit", "less_than_equal")),
        ({"cursor": "xyz!"}, ("cursor", "not_a_cursor")),
        ({"surprise": "1"}, ("surprise", "extra_forbidden")),
    ],
)
async def test_a_query_for_hours_is_refused_by_the_parameter_that_is_wrong(
    http: httpx2.AsyncClient, query: dict[str, Any], field: tuple[str, str]
) -> None:
    usual = {"therapist_id": str(uuid4())} if query else {}
    answer = await http.get("/v1/slots", params=usual | query)
    assert (answer.status_code, fields(answer)) == (422, [field])


async def test_who_may_not_book_is_not_shown_who_is_free(http: httpx2.AsyncClient, keys: Path) -> None:
    path = f"/v1/slots?therapist_id={uuid4()}"
    for role, status in (("person", 200), ("clinic_desk", 200), ("operator", 403), ("partner", 403)):
        assert (await http.get(path, headers=as_(keys, role))).status_code == status
    assert (await http.get(path, headers={"authorization": ""})).status_code == 401
