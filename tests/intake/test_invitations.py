"""Those who take part answer for themselves: it opens the case, nobody else sees it, and a PIN is needed."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.api.invitations import ACCEPT
from services.intake.api.requests import COUPLE, SMALLEST
from services.intake.domain.attendees import KeptAttendee
from services.intake.domain.invitations import Reply, replied
from services.intake.domain.wishes import KeptRequest
from tests.intake.conftest import IntakeDatabase
from tests.intake.people import CONSENT, NEEDS
from tests.intake.test_asking import ask, asking
from tests.intake.test_gates import waits_for
from tests.intake.test_over_http import case_id_of
from tests.intake.test_progress import hear, waitlisted
from tests.intake.test_wishes import KEPT

PARTNER, SISTER = UUID(int=11), UUID(int=12)
NOW = datetime(2026, 12, 1, tzinfo=UTC)
HELD = replace(
    KEPT,
    gate="waits_for_consent",
    awaits="participant",
    needs=replace(NEEDS, kind="couple"),
    attendees=(KeptAttendee(PARTNER, KEPT.case_id, UUID(int=21), "partner", "invited"),),
)


def after(*replies: Reply, of: KeptRequest = HELD) -> KeptRequest:
    for one in replies:
        found = replied(of, one, NOW)
        assert isinstance(found, KeptRequest)
        of = found
    return of


def test_the_gate_opens_with_the_partners_consent_and_closes_when_it_is_taken_back() -> None:
    opened = after(Reply(PARTNER, CONSENT))
    assert (opened.gate, opened.awaits, opened.request_version) == ("open", None, 2)
    closed = after(Reply(PARTNER, None), of=opened)
    assert (closed.gate, closed.awaits, closed.request_version) == ("waits_for_consent", "participant", 3)


def test_nobody_can_see_from_the_version_that_somebody_declined() -> None:
    declined = after(Reply(PARTNER, None))
    assert declined.attendees[0].consent == "declined"
    assert (declined.version, declined.request_version, declined.gate) == (
        HELD.version,
        HELD.request_version,
        HELD.gate,
    )


def test_a_minors_couple_still_waits_for_the_guardian_and_a_human_goes_before_all() -> None:
    minor = replace(HELD, needs=replace(HELD.needs, age_band="13-17"))
    assert after(Reply(PARTNER, CONSENT), of=minor).awaits == "guardian"
    human = replace(HELD, gate="waits_for_human")
    assert after(Reply(PARTNER, CONSENT), of=human).gate == "waits_for_human"


def test_to_a_closed_case_nothing_is_answered() -> None:
    assert replied(replace(HELD, closed=True), Reply(PARTNER, CONSENT), NOW) == "closed"


@given(st.lists(st.sampled_from([CONSENT, None]), min_size=1))
def test_the_last_word_counts_and_twice_is_once(words: list[Any]) -> None:
    told = after(*(Reply(PARTNER, word) for word in words))
    assert told.attendees[0].consent == ("given" if words[-1] else "declined")
    assert after(Reply(PARTNER, words[-1]), of=told) == told


async def invited(
    people: httpx2.AsyncClient, body: dict[str, Any] = COUPLE
) -> tuple[str, str, dict[str, str]]:
    """The case's path, the invitation's path, and what was shown to the asker of it."""
    accepted = (await ask(people, body)).json()
    [shown] = accepted["participants"]
    return accepted["status_url"], f"/v1/invitations/{shown['code']}", shown


async def consents_of(store: IntakeDatabase, code: str) -> list[tuple[str, str]]:
    rows = await store.admin.fetch(
        "SELECT purpose, state FROM intake.consents JOIN intake.attendees USING (person_id)"
        " WHERE code = $1 ORDER BY at, purpose",
        code,
    )
    return [(row["purpose"], row["state"]) for row in rows]


async def test_a_partner_accepts_with_code_and_pin_and_matching_hears_it(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, at, shown = await invited(people)
    answer = await people.post(f"{at.lower()}/accept", json=ACCEPT | {"pin": shown["pin"]})
    assert (answer.status_code, answer.json()) == (200, {"consent": "given"})
    said = await store.said(str(await case_id_of(store, path)))
    assert [one.type for one in said] == [
        "intake.case_submitted.v1",
        "intake.invitation_made.v1",
        "intake.case_updated.v1",
    ]
    assert (said[2].event["gate"], said[2].event["attendees"][1]["consent"]) == ("open", "given")
    assert await consents_of(store, shown["code"]) == [("care", "given"), ("contact", "given")]
    before = await store.rows()
    assert (await people.post(f"{at}/accept", json=ACCEPT | {"pin": shown["pin"]})).status_code == 200
    assert await store.rows() == before


async def test_operators_see_whom_a_case_waits_for_when_a_partner_takes_their_word_back(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, at, shown = await invited(people)
    case_id, pin = await case_id_of(store, path), {"pin": shown["pin"]}
    for act, body, whom in (
        ("accept", ACCEPT, "capacity"),
        ("decline", {}, "participant"),
        ("accept", ACCEPT, "capacity"),
    ):
        assert (await people.post(f"{at}/{act}", json=body | pin)).status_code == 200
        if await waits_for(store, case_id) == {"system"}:
            await hear(store, waitlisted(case_id, 1))
        assert await waits_for(store, case_id) == {whom}


async def test_an_answer_is_not_shown_to_the_one_who_asked(people: httpx2.AsyncClient) -> None:
    accepted = (await ask(people, COUPLE)).json()
    [shown] = accepted["participants"]
    sent = {"case_code": accepted["case_code"], "pin": accepted["pin"]}
    session = {"Authorization": f"Bearer {(await people.post('/v1/sessions', json=sent)).json()['token']}"}
    before = await people.get(accepted["status_url"], headers=session)
    declined = await people.post(f"/v1/invitations/{shown['code']}/decline", json={"pin": shown["pin"]})
    assert declined.json() == {"consent": "declined"}
    now = await people.get(accepted["status_url"], headers=session)
    assert (now.content, now.headers["etag"]) == (before.content, before.headers["etag"])


async def test_who_declines_or_wants_no_messages_is_written_to_no_more(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    for how, body in (
        ("decline", {}),
        ("accept", {"consent": ACCEPT["consent"] | {"contact": False}}),  # type: ignore[operator]
    ):
        _, at, shown = await invited(people)
        assert (await people.post(f"{at}/{how}", json={"pin": shown["pin"]} | body)).status_code == 200
        person = await store.admin.fetchval(
            "SELECT person_id FROM intake.attendees WHERE code = $1", shown["code"]
        )
        [changed] = [
            one.event
            for one in await store.said()
            if one.type == "intake.consent_changed.v1" and one.key == str(person)
        ]
        assert (changed["purpose"], changed["state"]) == ("contact", "withdrawn")


async def test_a_guardians_code_is_never_shown_to_the_one_they_speak_for(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    minor = asking(age_band="13-17") | {"attendees": [{"role": "guardian"}]}
    answer = await ask(people, minor)
    assert "participants" not in answer.json()
    case_id = await case_id_of(store, answer.json()["status_url"])
    code = await store.admin.fetchval("SELECT code FROM intake.attendees WHERE case_id = $1", case_id)
    assert code not in answer.text


async def test_the_same_post_again_shows_the_same_codes_and_what_is_kept_holds_no_pin(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    key = str(uuid4())
    first = await ask(people, COUPLE, key)
    assert (await ask(people, COUPLE, key)).content == first.content
    kept = await store.admin.fetchval("SELECT response FROM intake.idempotency_keys WHERE key = $1", key)
    assert first.json()["participants"][0]["pin"] not in kept.decode()


async def test_wrong_and_unknown_are_answered_alike_and_slowed(people: httpx2.AsyncClient) -> None:
    path, at, shown = await invited(people)
    wrong = "000000" if shown["pin"] != "000000" else "000001"
    for place in (
        f"{at}/decline",
        "/v1/invitations/0000000000/decline",
        f"/v1/invitations/{path[-10:]}/decline",
    ):
        answers = [await people.post(place, json={"pin": wrong}) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
        assert answers[0].json()["crisis"]["lines"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"care": False}, "/consent/care"),
        ({"text_version": "1999"}, "/consent/text_version"),
        ({"name": "x"}, "/consent/name"),
    ],
)
async def test_consent_that_is_none_is_named(
    people: httpx2.AsyncClient, store: IntakeDatabase, change: dict[str, Any], pointer: str
) -> None:
    _, at, shown = await invited(people)
    before = await store.rows()
    body = {"pin": shown["pin"], "consent": ACCEPT["consent"] | change}  # type: ignore[operator]
    answer = await people.post(f"{at}/accept", json=body)
    assert (answer.status_code, [one["pointer"] for one in answer.json()["errors"]]) == (422, [pointer])
    assert await store.rows() == before


async def test_a_case_that_was_taken_back_takes_no_answer(people: httpx2.AsyncClient) -> None:
    accepted = (await ask(people, COUPLE)).json()
    [shown] = accepted["participants"]
    sent = {"case_code": accepted["case_code"], "pin": accepted["pin"]}
    session = {"Authorization": f"Bearer {(await people.post('/v1/sessions', json=sent)).json()['token']}"}
    await people.post(f"{accepted['status_url']}/withdraw", headers=session)
    answer = await people.post(f"/v1/invitations/{shown['code']}/accept", json=ACCEPT | {"pin": shown["pin"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "case_closed")


async def test_whoever_comes_alone_is_shown_no_participants(people: httpx2.AsyncClient) -> None:
    assert "participants" not in (await ask(people, SMALLEST)).json()
