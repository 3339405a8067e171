"""Somebody who is to take part is named after the request was made: asked for themselves, and nobody loses an hour."""

from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from services.intake.domain.attendees import MOST, KeptAttendee, Participant, unfitting_later
from services.intake.domain.contacts import USUAL_WINDOWS, Contact
from shared.contracts.scheduling import AppointmentBooked
from shared.privacy import Sealer, open_box
from tests.intake.conftest import WRAPPING_KEY, IntakeDatabase
from tests.intake.test_asking import ask, asking
from tests.intake.test_gates import session_of
from tests.intake.test_guardians import ACCEPT, CONTACT
from tests.intake.test_over_http import Token, case_id_of
from tests.intake.test_progress import appointment, hear

FAMILY = asking() | {"kind": "family"}
SON = {"role": "family"}
INVITED = {"role": "family", "consent": "invited", "contact": CONTACT}


def a_kept(role: Any, consent: Any = "pending") -> KeptAttendee:
    return KeptAttendee(uuid4(), uuid4(), uuid4(), role, consent)


def codes(kind: Any, kept: list[KeptAttendee], one: Participant) -> list[str]:
    return [refusal.code for refusal in unfitting_later(kind, kept, one)]


def test_whoever_declined_takes_nobodys_place() -> None:
    other = Participant("partner", "pending", None)
    assert codes("couple", [a_kept("partner")], other) == ["repeated"]
    assert codes("couple", [a_kept("partner", "declined")], other) == []
    relative = Participant("family", "pending", None)
    assert codes("family", [a_kept("family")] * MOST, relative) == ["too_many"]
    assert codes("family", [a_kept("family", "declined")] * MOST, relative) == []
    assert codes("individual", [], relative) == ["not_with_this_kind"]
    assert codes("group", [], Participant("guardian", "invited", None)) == ["missing"]
    inbox = Contact("inbox", None, "en", "Latn", USUAL_WINDOWS, "own")
    assert codes("family", [], Participant("family", "invited", inbox)) == ["missing"]


async def a_family(people: httpx2.AsyncClient, **more: Any) -> tuple[str, dict[str, str], dict[str, Any]]:
    asked = (await ask(people, FAMILY | more)).json()
    session = await session_of(people, asked)
    seen = (await people.get(asked["status_url"], headers=session)).headers["etag"]
    return asked["status_url"], session | {"If-Match": seen}, asked


async def join(
    people: httpx2.AsyncClient, path: str, headers: dict[str, str], body: Any, key: str | None = None
) -> httpx2.Response:
    sent = {"Idempotency-Key": key or str(uuid4())} | headers
    return await people.post(f"{path}/attendees", json=body, headers=sent)


async def test_a_relative_who_joins_later_answers_for_themselves_and_matching_hears_of_them_then(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, headers, _ = await a_family(people)
    case_id = await case_id_of(store, path)
    made = await join(people, path, headers, SON)
    assert (made.status_code, set(made.json())) == (201, {"role", "code", "pin"})
    assert made.headers["cache-control"] == "no-store"
    assert [one.type for one in await store.said(str(case_id))] == ["intake.case_submitted.v1"]
    assert (await people.get(path, headers=headers)).headers["etag"] == headers["If-Match"]
    at, pin = f"/v1/invitations/{made.json()['code']}", made.json()["pin"]
    assert (await people.post(f"{at}/accept", json=ACCEPT | {"pin": pin})).status_code == 200
    updated = (await store.said(str(case_id)))[-1]
    assert updated.type == "intake.case_updated.v1"
    assert [(one["role"], one["consent"]) for one in updated.event["attendees"]] == [
        ("person", "given"), ("family", "given"),
    ]  # fmt: skip


async def test_whoever_is_invited_is_written_to_at_a_contact_that_only_their_own_key_opens(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, headers, _ = await a_family(people)
    case_id = await case_id_of(store, path)
    made = await join(people, path, headers, INVITED)
    assert made.status_code == 201
    invitation = (await store.said(str(case_id)))[-1].event
    person = UUID(invitation["person_id"])
    [contact] = [
        one.event for one in await store.said() if one.key == str(person) and "channels" in one.event
    ]
    assert contact["channels"] == ["sms"]
    wrapped = await store.admin.fetchval("SELECT wrapped FROM vault.person_keys WHERE person_id = $1", person)
    key = Sealer(WRAPPING_KEY).unwrap(wrapped)
    sealed = {"purpose": "contact", "person_id": person, "version": 1}
    opened = open_box(key, invitation["codes"]["box"], field="invitation", **sealed)
    assert opened.decode() == f"{made.json()['code']} {made.json()['pin']}"
    assert open_box(key, contact["address"]["box"], field="address", **sealed) == b"+923997654321"
    assert "7654321" not in str(await store.said())


async def test_an_hour_that_is_booked_stays_and_the_state_too(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, headers, _ = await a_family(people)
    await hear(store, appointment(AppointmentBooked, await case_id_of(store, path), 1, 1))
    before = (await people.get(path, headers=headers)).json()
    assert before["state"] == "booked"
    assert (await join(people, path, headers | {"If-Match": "*"}, SON)).status_code == 201
    assert (await people.get(path, headers=headers)).json() == before


async def test_the_same_key_is_one_attendee_also_after_the_case_has_moved(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, headers, _ = await a_family(people)
    key = str(uuid4())
    first = await join(people, path, headers, SON, key)
    await hear(store, appointment(AppointmentBooked, await case_id_of(store, path), 1, 1))
    before = await store.rows()
    again = await join(people, path, headers, SON, key)
    assert (again.status_code, again.json()) == (201, first.json())
    other = await join(people, path, headers, INVITED, key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    late = await join(people, path, headers, SON)
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    assert await store.rows() == before


async def test_a_guardian_is_named_later_by_a_coordinator_alone_whose_name_stays(
    people: httpx2.AsyncClient, store: IntakeDatabase, token: Token
) -> None:
    path, headers, _ = await a_family(people, kind="individual", age_band="13-17")
    mother = {"role": "guardian", "consent": "invited", "contact": CONTACT}
    refused = await join(people, path, headers, mother)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "not_by_yourself")
    zara = token("coordinator", subject="s-zara", name="Zara")
    made = await join(people, path, zara | {"If-Match": "*"}, mother)
    assert (made.status_code, set(made.json())) == (201, {"role", "code", "pin"})
    named = "SELECT added_by, added_name FROM intake.attendees WHERE code = $1"
    assert tuple(await store.admin.fetchrow(named, made.json()["code"])) == ("s-zara", "Zara")
    at, pin = f"/v1/invitations/{made.json()['code']}", made.json()["pin"]
    assert (await people.post(f"{at}/accept", json=ACCEPT | {"pin": pin})).status_code == 200
    assert (await people.get(path, headers=headers)).json()["state"] == "matching"


async def test_a_case_that_was_taken_back_is_joined_by_nobody(people: httpx2.AsyncClient) -> None:
    path, headers, _ = await a_family(people)
    await people.post(f"{path}/withdraw", json={}, headers=headers)
    answer = await join(people, path, headers | {"If-Match": "*"}, SON)
    assert (answer.status_code, answer.json()["code"]) == (409, "case_closed")


WRONG: list[tuple[Any, str, str]] = [
    ({}, "/role", "missing"),
    ({"role": "person"}, "/role", "literal_error"),
    (SON | {"name": "x"}, "/name", "unknown_field"),
    (SON | {"consent": "given"}, "/consent", "literal_error"),
    (SON | {"consent": "invited"}, "/contact", "missing"),
    (INVITED | {"contact": {"channel": "inbox"}}, "/contact", "missing"),
    (INVITED | {"contact": {"channel": "sms"}}, "/contact/address", "missing"),
    (INVITED | {"contact": {"channel": "sms", "address": "12"}}, "/contact/address", "not_a_mobile_number"),
    (INVITED | {"contact": CONTACT | {"script": "Arab"}}, "/contact/script", "not_offered"),
    (INVITED | {"contact": CONTACT | {"then": ["sms"]}}, "/contact/then/0", "repeated"),
]


@pytest.mark.parametrize(("body", "pointer", "code"), WRONG)
async def test_what_is_wrong_with_somebody_is_named_and_nothing_is_written(
    people: httpx2.AsyncClient, store: IntakeDatabase, body: Any, pointer: str, code: str
) -> None:
    path, headers, _ = await a_family(people)
    before = await store.rows()
    answer = await join(people, path, headers, body)
    assert answer.status_code == 422
    assert (pointer, code) in [(one["pointer"], one["code"]) for one in answer.json()["errors"]]
    assert "7654321" not in answer.text
    assert await store.rows() == before


async def test_only_those_of_the_case_and_coordinators_name_somebody(
    people: httpx2.AsyncClient, store: IntakeDatabase, token: Token
) -> None:
    path, headers, _ = await a_family(people)
    _, other, _ = await a_family(people)
    before = await store.rows()
    assert (await join(people, path, other, SON)).status_code == 404
    assert (await join(people, path, token("therapist") | {"If-Match": "*"}, SON)).status_code == 403
    assert (await join(people, path, {"If-Match": "*"}, SON)).status_code == 401
    unseen = {"Authorization": headers["Authorization"]}
    assert (await join(people, path, unseen, SON)).status_code == 428
    keyless = await people.post(f"{path}/attendees", json=SON, headers=headers)
    assert keyless.status_code == 400
    assert await store.rows() == before
