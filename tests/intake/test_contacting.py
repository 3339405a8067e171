"""Whoever is reached elsewhere says so, or says that it holds still: nobody falls silent because 60 days went by."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from services.intake.handlers import HANDLERS
from services.intake.handlers.contacting import Contacting, Reachable, change_contacts
from services.intake.handlers.erasing import erase_keys
from shared.contracts.notifications import ContactReconfirmed
from shared.privacy import SealBroken, Sealer, open_box
from tests.intake.conftest import WRAPPING_KEY, IntakeDatabase
from tests.intake.people import CONTACT
from tests.intake.test_asking import ask, asking
from tests.intake.test_gates import session_of
from tests.intake.test_help import alarms_of
from tests.intake.test_over_http import case_id_of, come_back

Token = Callable[..., dict[str, str]]
SEALER = Sealer(WRAPPING_KEY)
NEW: dict[str, Any] = {
    "channel": "whatsapp",
    "address": "0399 7777777",
    "language": "ur",
    "script": "Arab",
    "safe_windows": [{"day": 5, "start": "18:00", "end": "20:00"}],
    "owner": "shared",
    "then": ["sms"],
}
ROW = """
SELECT t.*, c.case_id, now() AS now FROM intake.contacts t JOIN intake.cases c USING (person_id) WHERE c.case_id = $1
"""


async def tell(people: httpx2.AsyncClient, path: str, session: dict[str, str], body: Any) -> httpx2.Response:
    return await people.post(f"{path}/contact", json=body, headers=session)


async def row(store: IntakeDatabase, path: str) -> Any:
    return await store.admin.fetchrow(ROW, await case_id_of(store, path))


async def said(store: IntakeDatabase, person_id: UUID) -> list[dict[str, Any]]:
    changed = "intake.contact_changed.v1"
    return [one.event for one in await store.said() if (one.type, one.key) == (changed, str(person_id))]


async def key_of(store: IntakeDatabase, person_id: UUID) -> bytes:
    query = "SELECT wrapped FROM vault.person_keys WHERE person_id = $1 AND purpose = 'contact'"
    return SEALER.unwrap(await store.admin.fetchval(query, person_id))


async def hear_found(store: IntakeDatabase, case_id: UUID, person_id: UUID) -> None:
    found = ContactReconfirmed(case_id=case_id, person_id=person_id, reconfirmed_at=datetime.now(UTC))
    async with store.intake.transaction() as tx:
        await HANDLERS[ContactReconfirmed]([found], tx)


async def let_time_pass(store: IntakeDatabase, path: str) -> None:
    query = "UPDATE intake.contacts SET confirmed_until = now() - interval '1 day' WHERE person_id = $1"
    await store.admin.execute(query, (await row(store, path))["person_id"])


async def test_whoever_says_how_they_are_reached_now_is_reached_so_for_sixty_days(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, session = await come_back(people)
    answer = await tell(people, path, session, {"contact": NEW})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    body = answer.json()
    assert (body["channels"], body["stopped"]) == (["whatsapp", "sms"], False)
    kept = await row(store, path)
    assert kept["confirmed_until"] == datetime.fromisoformat(body["confirmed_until"])
    assert kept["confirmed_until"] - kept["changed_at"] == timedelta(days=60)
    assert (kept["channel"], kept["owner"], kept["language"], kept["script"]) == (
        "whatsapp", "shared", "ur", "Arab",
    )  # fmt: skip
    _, now = await said(store, kept["person_id"])
    assert now["channels"] == ["whatsapp", "sms"]
    assert now["safe_windows"] == [{"day": 5, "start": 1080, "end": 1200}]
    assert datetime.fromisoformat(now["confirmed_until"]) == kept["confirmed_until"]
    place: dict[str, Any] = {"purpose": "contact", "person_id": kept["person_id"], "field": "address"}
    box, version = now["address"]["box"], now["address"]["version"]
    assert (version, box) == (2, kept["box"])
    opened = open_box(await key_of(store, kept["person_id"]), box, version=version, **place)
    assert opened == b"+923997777777"


async def test_no_copy_of_an_address_that_was_given_up_can_be_opened_any_more(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, session = await come_back(people)
    before = await row(store, path)
    await tell(people, path, session, {"contact": NEW})
    place: dict[str, Any] = {"purpose": "contact", "person_id": before["person_id"], "field": "address"}
    with pytest.raises(SealBroken):
        open_box(await key_of(store, before["person_id"]), before["box"], version=1, **place)


async def test_whoever_has_no_address_any_more_leaves_no_key_behind(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, session = await come_back(people)
    assert (await tell(people, path, session, {"contact": {"channel": "inbox"}})).status_code == 200
    kept = await row(store, path)
    assert (kept["channel"], kept["box"]) == ("inbox", None)
    query = "SELECT purpose FROM vault.person_keys WHERE person_id = $1"
    assert [one["purpose"] for one in await store.admin.fetch(query, kept["person_id"])] == ["answers"]
    assert (await said(store, kept["person_id"]))[-1]["address"] is None
    back = await tell(people, path, session, {"contact": NEW})
    assert (back.status_code, (await row(store, path))["version"]) == (200, 3)


async def test_a_contact_that_holds_still_is_confirmed_and_otherwise_as_it_was(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, session = await come_back(people)
    await tell(people, path, session, {"contact": NEW})
    await let_time_pass(store, path)
    before = await row(store, path)
    answer = await tell(people, path, session, {"confirm": True})
    assert (answer.status_code, answer.json()["channels"]) == (200, ["whatsapp", "sms"])
    after = await row(store, path)
    assert after["confirmed_until"] - after["changed_at"] == timedelta(days=60)
    moved = {"confirmed_until", "changed_at", "now"}
    assert {k: v for k, v in after.items() if k not in moved} == {
        k: v for k, v in before.items() if k not in moved
    }
    *_, changed, confirmed = await said(store, after["person_id"])
    told = {"confirmed_until", "changed_at"}
    assert {k: v for k, v in confirmed.items() if k not in told} == {
        k: v for k, v in changed.items() if k not in told
    }


async def test_the_same_contact_twice_is_the_same_contact(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, session = await come_back(people)
    once = await tell(people, path, session, {"contact": NEW})
    twice = await tell(people, path, session, {"contact": NEW})
    assert (once.status_code, twice.status_code) == (200, 200)
    kept = await row(store, path)
    place: dict[str, Any] = {"purpose": "contact", "person_id": kept["person_id"], "field": "address"}
    opened = open_box(await key_of(store, kept["person_id"]), kept["box"], version=kept["version"], **place)
    assert opened == b"+923997777777"


async def test_of_several_that_come_together_the_last_number_counts_and_a_confirmation_takes_none_away(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, _ = await come_back(people)
    case_id = await case_id_of(store, path)
    async with store.intake.transaction() as tx:
        wanted = [CONTACT, None]
        answers = await change_contacts([Contacting(case_id, one, None) for one in wanted], tx, SEALER)
    assert all(isinstance(one, Reachable) for one in answers)
    kept = await row(store, path)
    assert (kept["language"], kept["script"], kept["version"]) == ("ur", "Latn", 2)
    assert len(await said(store, kept["person_id"])) == 2


async def test_an_open_alarm_is_reached_at_the_new_number(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, session = await come_back(people, item9=2)
    case_id = await case_id_of(store, path)
    [before] = await alarms_of(store, case_id)
    assert (await tell(people, path, session, {"contact": NEW})).status_code == 200
    [after] = await alarms_of(store, case_id)
    assert after["contact_box"] != before["contact_box"]
    wrapped = await store.admin.fetchval(
        "SELECT wrapped FROM vault.alarm_keys WHERE alarm_id = $1", after["alarm_id"]
    )
    place: dict[str, Any] = {"purpose": "alarm_contact", "person_id": after["person_id"], "field": "contact"}
    assert b"+923997777777" in open_box(SEALER.unwrap(wrapped), after["contact_box"], version=1, **place)


async def test_a_stop_stays_a_stop_when_the_number_changes(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, session = await come_back(people)
    person_id = (await row(store, path))["person_id"]
    await store.admin.execute(
        "INSERT INTO vault.stops (person_id, purpose, state, since) VALUES ($1, 'contact', 'stopped', now())",
        person_id,
    )
    answer = await tell(people, path, session, {"contact": NEW})
    assert (answer.status_code, answer.json()["stopped"]) == (200, True)
    query = "SELECT state FROM vault.stops WHERE person_id = $1 AND purpose = 'contact'"
    assert await store.admin.fetchval(query, person_id) == "stopped"


async def test_no_key_is_made_again_for_somebody_who_was_erased(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, session = await come_back(people)
    person_id = (await row(store, path))["person_id"]
    async with store.intake.transaction() as tx:
        await erase_keys([person_id], tx)
    assert (await tell(people, path, session, {"contact": NEW})).status_code == 404
    assert (await tell(people, path, session, {"confirm": True})).status_code == 404
    query = "SELECT count(*) FROM vault.person_keys WHERE person_id = $1"
    assert await store.admin.fetchval(query, person_id) == 0


async def test_nobody_is_written_to_who_did_not_agree_to_it(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    quiet = asking() | {"contact": {"channel": "inbox"}}
    quiet["consent"] = quiet["consent"] | {"contact": False}
    accepted = (await ask(people, quiet)).json()
    path, session = accepted["status_url"], await session_of(people, accepted)
    answer = await tell(people, path, session, {"contact": NEW})
    assert answer.status_code == 422
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [
        ("/contact/channel", "consent_needed")
    ]
    assert (await tell(people, path, session, {"contact": {"channel": "inbox"}})).status_code == 200


async def test_how_to_reach_somebody_is_not_changed_after_the_end(people: httpx2.AsyncClient) -> None:
    path, session = await come_back(people)
    await people.post(f"{path}/withdraw", json={}, headers=session)
    for body in ({"contact": NEW}, {"confirm": True}):
        answer = await tell(people, path, session, body)
        assert (answer.status_code, answer.json()["code"]) == (409, "case_closed")


async def test_only_the_person_changes_how_they_are_reached(people: httpx2.AsyncClient, token: Token) -> None:
    path, session = await come_back(people)
    other, _ = await come_back(people)
    assert (await tell(people, other, session, {"confirm": True})).status_code == 404
    assert (await tell(people, "/v1/cases/nothing", session, {"confirm": True})).status_code == 404
    assert (await tell(people, path, token("coordinator"), {"confirm": True})).status_code == 403
    assert (await tell(people, path, {}, {"confirm": True})).status_code == 401


WRONG = [
    ({}, "", "one_of_two"),
    ({"contact": NEW, "confirm": True}, "", "one_of_two"),
    ({"confirm": False}, "", "one_of_two"),
    ({"confirm": 1}, "/confirm", "bool_type"),
    ({"other": 1}, "/other", "unknown_field"),
    ({"contact": {}}, "/contact/channel", "missing"),
    ({"contact": {"channel": "fax"}}, "/contact/channel", "literal_error"),
    ({"contact": {"channel": "sms"}}, "/contact/address", "missing"),
    ({"contact": {"channel": "inbox", "address": "x"}}, "/contact/address", "not_allowed"),
    ({"contact": NEW | {"address": "042 35761999"}}, "/contact/address", "not_a_mobile_number"),
    ({"contact": NEW | {"address": "0399 12\u00007777"}}, "/contact/address", "control_character"),
    ({"contact": {"channel": "email", "address": "x@y"}}, "/contact/address", "not_an_email_address"),
    ({"contact": NEW | {"language": "fr"}}, "/contact/language", "literal_error"),
    ({"contact": NEW | {"language": "en", "script": "Arab"}}, "/contact/script", "not_offered"),
    ({"contact": NEW | {"owner": "nobody"}}, "/contact/owner", "literal_error"),
    ({"contact": NEW | {"then": ["whatsapp"]}}, "/contact/then/0", "repeated"),
    ({"contact": NEW | {"then": ["email"]}}, "/contact/then/0", "other_address"),
    (
        {"contact": NEW | {"safe_windows": [{"day": 1, "start": "20:00", "end": "18:00"}]}},
        "/contact/safe_windows/0/end",
        "ends_before_start",
    ),
]


@pytest.mark.parametrize(("body", "pointer", "code"), WRONG)
async def test_what_cannot_be_meant_is_named_at_its_field_and_nothing_is_kept(
    body: Any, pointer: str, code: str, people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, session = await come_back(people)
    before, rows = await row(store, path), await store.rows()
    answer = await tell(people, path, session, body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert (pointer, code) in [(one["pointer"], one["code"]) for one in answer.json()["errors"]]
    assert "7777777" not in answer.text
    after = await row(store, path)
    assert ({**after} | {"now": None}, await store.rows()) == ({**before} | {"now": None}, rows)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"confirm"'])
async def test_what_is_no_object_is_refused(body: bytes, people: httpx2.AsyncClient) -> None:
    path, session = await come_back(people)
    sent = session | {"Content-Type": "application/json"}
    answer = await people.post(f"{path}/contact", content=body, headers=sent)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_change_that_fails_half_way_leaves_the_contact_its_key_and_the_alarm_as_they_were(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, _ = await come_back(people, item9=2)
    case_id, before = await case_id_of(store, path), await row(store, path)
    alarms, key = await alarms_of(store, case_id), await key_of(store, before["person_id"])
    spoken = await said(store, before["person_id"])
    with pytest.raises(RuntimeError):
        async with store.intake.transaction() as tx:
            await change_contacts([Contacting(case_id, CONTACT, None)], tx, SEALER)
            raise RuntimeError
    after = await row(store, path)
    assert {**after} | {"now": None} == {**before} | {"now": None}
    assert await key_of(store, before["person_id"]) == key
    assert await alarms_of(store, case_id) == alarms
    assert await said(store, before["person_id"]) == spoken


async def test_what_a_human_found_to_hold_is_confirmed_and_told(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, _ = await come_back(people)
    await let_time_pass(store, path)
    before = await row(store, path)
    await hear_found(store, before["case_id"], before["person_id"])
    after = await row(store, path)
    assert (after["box"], after["version"]) == (before["box"], before["version"])
    assert after["confirmed_until"] - after["changed_at"] == timedelta(days=60)
    told = (await said(store, before["person_id"]))[-1]
    assert datetime.fromisoformat(told["confirmed_until"]) == after["confirmed_until"]


async def test_a_contact_that_was_found_to_hold_after_its_person_was_erased_is_told_to_nobody(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, _ = await come_back(people)
    before = await row(store, path)
    async with store.intake.transaction() as tx:
        await erase_keys([before["person_id"]], tx)
    spoken = await said(store, before["person_id"])
    await hear_found(store, before["case_id"], before["person_id"])
    await hear_found(store, before["case_id"], uuid4())
    assert await said(store, before["person_id"]) == spoken
