"""The feed over HTTP: every change once and in order, a snapshot that holds still, and a way back for who was away."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import orjson
import pytest
import pytest_asyncio
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from services.partners.domain.feed import Feed, Walk, fits, may_go_on
from services.partners.repository.feed import sweep
from shared.contracts.scheduling import AppointmentFulfilled, AppointmentNoShow
from shared.messaging import Database
from shared.messaging.failures import is_transient
from shared.web import Problem
from shared.web.watching import Watch
from tests.partners.appointments import (
    HOSPITAL,
    NOW,
    a_booking,
    became,
    cancelled,
    held,
    moved,
    released,
    tell,
)
from tests.partners.conftest import Client, Entitle, asking
from tests.waiting import running, until

CLINIC = "sehat-clinic"  # reads over HTTP alone


@pytest_asyncio.fixture(loop_scope="session")
async def clinic(app: FastAPI, entitle: Entitle) -> AsyncIterator[Client]:
    async with asking(app, (await entitle(CLINIC)).text) as client:
        yield client


async def read(client: Client, path: str = "/v1/bookings", **query: Any) -> Any:
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def walk(client: Client, limit: int) -> list[Any]:
    """All pages of the snapshot."""
    pages = [await read(client, "/v1/bookings/snapshot", limit=limit)]
    while pages[-1]["next"]:
        pages.append(await read(client, "/v1/bookings/snapshot", limit=limit, cursor=pages[-1]["next"]))
    return pages


async def test_a_partner_without_kafka_reads_its_bookings_in_order(
    partners: Database, clinic: Client
) -> None:
    booking = a_booking(CLINIC)
    change = moved(booking)
    await tell(partners, booking, a_booking(HOSPITAL))
    await tell(partners, change)
    await tell(partners, cancelled(change))
    first = await read(clinic, limit=2)
    assert (first["position"], first["more"]) == (2, True)
    rest = await read(clinic, after=first["position"])
    assert (rest["position"], rest["more"]) == (3, False)
    events = first["events"] + rest["events"]
    assert [(e["type"], e["data"]["position"], e["data"]["version"]) for e in events] == [
        ("partners.booking_booked.v1", 1, 1),
        ("partners.booking_rescheduled.v1", 2, 2),
        ("partners.booking_cancelled.v1", 3, 3),
    ]
    assert len({e["subject"] for e in events} | {e["data"]["booking_ref"] for e in events}) == 1
    assert [e["id"] for e in events] == [f"{CLINIC}/{n}" for n in (1, 2, 3)]


async def test_the_feed_tells_the_same_data_as_the_topic(
    partners: Database, app: FastAPI, entitle: Entitle
) -> None:
    key = await entitle(HOSPITAL)
    booking = a_booking(HOSPITAL)
    await tell(partners, booking)
    await tell(partners, moved(booking))
    rows = await partners.pool.fetch("SELECT type, payload FROM outbox ORDER BY id")
    async with asking(app, key.text) as hospital:
        events = (await read(hospital))["events"]
    assert [(e["type"], e["data"]) for e in events] == [
        (row["type"], orjson.loads(row["payload"])) for row in rows
    ]


async def test_nobody_reads_the_bookings_of_another_organisation(
    partners: Database, app: FastAPI, clinic: Client, entitle: Entitle
) -> None:
    await tell(partners, a_booking(CLINIC), a_booking("noor-clinic"))
    own = await read(clinic)
    async with asking(app, (await entitle("noor-clinic")).text) as other:
        theirs = await read(other, "/v1/bookings/snapshot")
        assert (await read(other))["events"] == []  # it had no key yet: what stood then is in the snapshot
    assert {e["data"]["organisation"] for e in own["events"]} == {CLINIC}
    assert [b["organisation"] for b in theirs["bookings"]] == ["noor-clinic"]


async def test_nothing_of_a_case_or_a_person_is_in_the_feed(partners: Database, clinic: Client) -> None:
    booking = a_booking(CLINIC)
    await tell(partners, booking)
    said = (await clinic.get("/v1/bookings")).text + (await clinic.get("/v1/bookings/snapshot")).text
    secret = [booking.case_id, booking.appointment_id, booking.match_id]
    secret += [one for a in booking.attendees for one in (a.person_id, a.attendee_id)]
    assert not [one for one in secret if str(one) in said or one.hex in said]


async def test_whoever_gets_a_key_finds_what_stood_before_in_the_snapshot_and_goes_on_from_there(
    partners: Database, app: FastAPI, entitle: Entitle
) -> None:
    early = a_booking(CLINIC)
    await tell(partners, early, a_booking(CLINIC))
    async with asking(app, (await entitle(CLINIC)).text) as late:
        [page] = await walk(late, 10)
        assert (page["position"], len(page["bookings"])) == (0, 2)
        await tell(partners, moved(early))
        found = await read(late, after=page["position"])
        [event] = found["events"]
        assert (event["data"]["position"], event["data"]["version"]) == (1, 2)
        assert event["subject"] in {one["booking_ref"] for one in page["bookings"]}


async def test_a_batch_under_way_is_in_the_snapshot_or_in_the_feed_of_a_first_key(
    partners: Database, app: FastAPI, entitle: Entitle
) -> None:
    batches = [[a_booking(CLINIC) for _ in range(5)] for _ in range(8)]
    telling = [asyncio.create_task(tell(partners, *batch)) for batch in batches]
    key = await entitle(CLINIC)
    async with asking(app, key.text) as client:
        [page] = await walk(client, 100)
        await asyncio.gather(*telling)
        found = await read(client, after=page["position"], limit=100)
    known = {one["booking_ref"] for one in page["bookings"]} | {one["subject"] for one in found["events"]}
    assert len(known) == 40


async def test_the_snapshots_pages_hold_still_while_bookings_change(
    partners: Database, clinic: Client
) -> None:
    bookings = [a_booking(CLINIC) for _ in range(7)]
    gone = a_booking(CLINIC)
    await tell(partners, *bookings, gone)
    await tell(partners, cancelled(gone))
    before = {b["booking_ref"]: b for page in await walk(clinic, 3) for b in page["bookings"]}
    first = await read(clinic, "/v1/bookings/snapshot", limit=3)
    await tell(partners, *(moved(one) for one in bookings[:4]))
    await tell(partners, *(cancelled(one) for one in bookings[4:]), a_booking(CLINIC))
    pages = [first]
    while pages[-1]["next"]:
        pages.append(await read(clinic, "/v1/bookings/snapshot", limit=3, cursor=pages[-1]["next"]))
    assert [len(page["bookings"]) for page in pages] == [3, 3, 1]
    assert {(page["position"], page["as_of"]) for page in pages} == {(9, first["as_of"])}
    assert {b["booking_ref"]: b for page in pages for b in page["bookings"]} == before
    # What the feed tells after the snapshot's position leads to what a new snapshot shows.
    books = dict(before)
    for event in (await read(clinic, after=first["position"]))["events"]:
        books[event["subject"]] = event["data"]
    now = {b["booking_ref"]: b["version"] for page in await walk(clinic, 100) for b in page["bookings"]}
    assert now == {ref: one["version"] for ref, one in books.items() if one["status"] != "cancelled"}


async def test_what_became_of_an_hour_is_in_the_feed_and_in_the_snapshot_until_a_month_after_it(
    partners: Database, clinic: Client, clock: Any
) -> None:
    kept, missed, dropped = a_booking(CLINIC), a_booking(CLINIC), a_booking(CLINIC)
    await tell(partners, kept, missed, dropped)
    await tell(
        partners, became(kept, AppointmentFulfilled), became(missed, AppointmentNoShow), cancelled(dropped)
    )
    events = (await read(clinic, after=3))["events"]
    assert sorted(e["data"]["status"] for e in events) == ["cancelled", "fulfilled", "no_show"]
    [page] = await walk(clinic, 10)
    assert sorted(b["status"] for b in page["bookings"]) == ["fulfilled", "no_show"]
    clock.now = kept.end + timedelta(days=30)
    assert [page["bookings"] for page in await walk(clinic, 10)] == [[]]


async def test_an_hour_that_is_kept_is_in_the_snapshot_with_its_end(
    partners: Database, clinic: Client
) -> None:
    booking = a_booking(CLINIC)
    await tell(partners, held(booking))
    [page] = await walk(clinic, 10)
    [shown] = page["bookings"]
    assert (shown["status"], "held_until" in shown) == ("held", True)
    await tell(partners, released(held(booking)))
    assert [page["bookings"] for page in await walk(clinic, 10)] == [[]]


async def test_who_was_away_too_long_is_sent_to_the_snapshot(
    partners: Database, clinic: Client, clock: Any
) -> None:
    old, standing = a_booking(CLINIC), a_booking(CLINIC, end=NOW + timedelta(days=9000))
    clock.now = NOW - timedelta(days=9000)  # the sweep goes by the database's clock
    await tell(partners, old, standing)
    await tell(partners, cancelled(old))
    clock.now = NOW
    await tell(partners, a_booking(CLINIC))
    async with partners.pool.acquire() as connection:
        assert await sweep(timedelta(days=30))(connection, 5000) is False
    gone = await clinic.get("/v1/bookings?after=2")
    assert (gone.status_code, gone.json()["code"]) == (410, "position_gone")
    assert gone.headers["content-type"] == "application/problem+json"
    assert gone.json()["snapshot"] == "/v1/bookings/snapshot"
    assert gone.headers["link"] == '</v1/bookings/snapshot>; rel="alternate"'
    [page] = await walk(clinic, 10)
    assert len(page["bookings"]) == 2  # what still stands is kept however long ago it was told
    assert [e["data"]["position"] for e in (await read(clinic, after=3))["events"]] == [4]
    assert (await read(clinic, after=page["position"]))["events"] == []


async def test_a_walk_through_the_snapshot_ends_after_a_day(
    partners: Database, clinic: Client, clock: Any
) -> None:
    await tell(partners, *(a_booking(CLINIC) for _ in range(3)))
    first = await read(clinic, "/v1/bookings/snapshot", limit=1)
    clock.now = NOW + timedelta(days=1, seconds=1)
    late = await clinic.get("/v1/bookings/snapshot", params={"cursor": first["next"]})
    assert (late.status_code, late.json()["code"]) == (410, "snapshot_expired")


async def test_waiting_ends_with_the_news(partners: Database, clinic: Client) -> None:
    asked = asyncio.create_task(clinic.get("/v1/bookings?wait=20", timeout=30))
    await asyncio.sleep(0)
    await tell(partners, a_booking(CLINIC))
    answer = await asked
    assert [e["data"]["position"] for e in answer.json()["events"]] == [1]
    nothing = await read(clinic, after=1, wait=0.05)
    assert (nothing["events"], nothing["position"], nothing["more"]) == ([], 1, False)


async def test_too_many_do_not_wait_and_at_the_end_nobody_does() -> None:
    async def look(_: Any) -> dict[str, int]:
        return {}

    async def past(position: int) -> int | None:
        with watch.watching("a", position) as watcher:
            return await watcher.newer(position, 30)

    watch, stop = Watch(look, int, passes=is_transient, most=1, every_seconds=0.01), asyncio.Event()
    assert await past(0) is None  # nobody would wake who waits: it does not run
    async with running(stop, watch.run(stop)):
        await asyncio.sleep(0)
        waiting = asyncio.create_task(past(0))
        await until(lambda: watch.metrics()["watchers"], "one who waits")
        with pytest.raises(Problem) as refused:
            await past(0)
        assert (refused.value.status, refused.value.headers["retry-after"]) == (503, "10")
    assert await waiting is None
    assert watch.metrics()["watchers"] == 0


async def test_a_process_is_ready_again_although_nobody_waits_since_a_look_failed() -> None:
    async def away(_: Any) -> dict[str, int]:
        raise ConnectionRefusedError

    watch, stop = Watch(away, int, passes=is_transient, every_seconds=0.001), asyncio.Event()
    async with running(stop, watch.run(stop)):
        await until(lambda: watch._runs, "the loop")
        with watch.watching("a", 0):
            await until(lambda: watch.ready() == "database", "a look that failed")
        await until(lambda: watch.ready() is None, "ready when nobody waits any more")


async def test_what_was_seen_is_not_sent_again(partners: Database, clinic: Client) -> None:
    await tell(partners, a_booking(CLINIC))
    first = await clinic.get("/v1/bookings")
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["vary"] == "Authorization"
    assert first.headers["link"] == '</v1/bookings?after=1&limit=100>; rel="next"'
    same = await clinic.get("/v1/bookings", headers={"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    await tell(partners, a_booking(CLINIC))
    other = await clinic.get("/v1/bookings", headers={"If-None-Match": first.headers["etag"]})
    assert (other.status_code, len(other.json()["events"])) == (200, 2)


def packed(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode()


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("?after=-1", "after"), ("?after=x", "after"), ("?after=1.5", "after"), (f"?after={2**54}", "after"),
        ("?after=1", "after"), ("?limit=0", "limit"), ("?limit=1001", "limit"), ("?limit=x", "limit"),
        ("?wait=-1", "wait"), ("?wait=21", "wait"), ("?wait=nan", "wait"), ("?wait=x", "wait"),
        ("/snapshot?limit=0", "limit"), ("/snapshot?limit=1001", "limit"), ("/snapshot?cursor=x", "cursor"),
        (f"/snapshot?cursor={'a' * 301}", "cursor"),
        (f"/snapshot?cursor={packed(b'[1]')}", "cursor"),
        (f"/snapshot?cursor={packed(b'[1,2,3]')}", "cursor"),
        (f"/snapshot?cursor={packed(b'[1,0,1]')}", "cursor"),
        (f"/snapshot?cursor={packed(b'[1.5,1,1]')}", "cursor"),
    ],
)  # fmt: skip
async def test_a_parameter_that_cannot_be_is_named(clinic: Client, query: str, pointer: str) -> None:
    answer = await clinic.get(f"/v1/bookings{query}")
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("place", ["[1,%now%,\"\"]", "[-1,%now%,\"\"]", "[0,%later%,\"\"]"])  # fmt: skip
async def test_a_cursor_that_somebody_made_up_shows_nothing(clinic: Client, place: str) -> None:
    moments = {"%now%": NOW, "%later%": NOW + timedelta(hours=1)}
    for name, at in moments.items():
        place = place.replace(name, f'"{at.isoformat()}"')
    answer = await clinic.get(f"/v1/bookings/snapshot?cursor={packed(place.encode())}")
    assert (answer.status_code, answer.json()["code"]) == (410, "snapshot_expired")


@pytest.mark.parametrize("path", ["/v1/bookings", "/v1/bookings/snapshot"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_bookings_are_only_read(clinic: httpx2.AsyncClient, path: str, method: str) -> None:
    answer = await clinic.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_who_fits_has_missed_nothing(after: int, last: int, forgotten: int) -> None:
    kept = range(min(forgotten, last) + 1, last + 1)
    verdict = fits(after, Feed(last, min(forgotten, last), []))
    assert (verdict == "fits") == (after <= last and set(range(after + 1, last + 1)) <= set(kept))


@given(st.integers(-5, 5), st.integers(0, 5), st.integers(-48, 48))
def test_a_walk_goes_on_within_a_day_at_a_position_that_was_told(
    position: int, last: int, hours: int
) -> None:
    may = may_go_on(Walk(position, NOW, ""), last, NOW + timedelta(hours=hours))
    assert may == (0 <= position <= last and 0 <= hours <= 24)
