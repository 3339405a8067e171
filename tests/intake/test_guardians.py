"""A young person's case begins with a guardian's word, ends with a guardian's refusal, and waits for nothing else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.api.invitations import ACCEPT
from services.intake.domain.attendees import KeptAttendee
from services.intake.domain.invitations import OPEN_FOR, Reply, replied
from services.intake.domain.wishes import KeptRequest
from shared.privacy import Sealer, open_box
from tests.intake import test_invitations
from tests.intake.conftest import WRAPPING_KEY, IntakeDatabase
from tests.intake.people import CONSENT, NEEDS
from tests.intake.test_asking import ask, asking
from tests.intake.test_bad_input import refused
from tests.intake.test_bulk import hand_over, line
from tests.intake.test_over_http import case_id_of
from tests.intake.test_wishes import KEPT

NOW = datetime(2026, 12, 1, tzinfo=UTC)
MOTHER, FATHER = UUID(int=11), UUID(int=12)
SIXTEEN = asking(age_band="13-17") | {"attendees": [{"role": "guardian"}]}


def guardian(attendee_id: UUID, consent: Any = "pending", expires_at: datetime | None = None) -> KeptAttendee:
    person = UUID(int=attendee_id.int + 100)
    return KeptAttendee(attendee_id, KEPT.case_id, person, "guardian", consent, expires_at)


HELD = replace(
    KEPT,
    gate="waits_for_consent",
    awaits="guardian",
    needs=replace(NEEDS, kind="individual", age_band="13-17"),
    attendees=(guardian(MOTHER), guardian(FATHER)),
)


after = partial(test_invitations.after, of=HELD)


def test_one_guardian_may_open_the_case_and_only_the_last_refusal_closes_it() -> None:
    refused = after(Reply(MOTHER, None))
    assert (refused.closed, refused.version) == (False, HELD.version)
    assert after(Reply(FATHER, CONSENT), of=refused).gate == "open"
    assert after(Reply(FATHER, None), of=refused).closed


def test_a_guardian_whose_time_is_over_keeps_no_case_open() -> None:
    late = replace(HELD, attendees=(guardian(MOTHER), guardian(FATHER, expires_at=NOW)))
    assert after(Reply(MOTHER, None), of=late).closed
    assert replied(late, Reply(FATHER, CONSENT), NOW) == "expired"


def test_a_consent_that_is_taken_back_closes_the_case_of_who_has_no_other_guardian() -> None:
    alone = replace(HELD, attendees=(guardian(MOTHER),))
    assert after(Reply(MOTHER, CONSENT), Reply(MOTHER, None), of=alone).closed


def test_a_refusal_does_not_end_what_a_human_has_to_look_at_first() -> None:
    human = replace(HELD, gate="waits_for_human", attendees=(guardian(MOTHER),))
    assert not after(Reply(MOTHER, None), of=human).closed


@given(st.lists(st.tuples(st.sampled_from([MOTHER, FATHER]), st.sampled_from([CONSENT, None]))))
def test_a_case_is_open_only_while_a_guardian_consents(words: list[tuple[UUID, Any]]) -> None:
    stands = HELD
    for who, word in words:
        found = replied(stands, Reply(who, word), NOW)
        if not isinstance(found, KeptRequest):
            assert stands.closed
            return
        stands = found
        given_by_any = any(one.consent == "given" for one in stands.attendees)
        assert given_by_any == (stands.gate == "open" and not stands.closed)


@pytest.fixture
def practice(token: Callable[..., dict[str, str]]) -> dict[str, str]:
    return token("clinic_desk", organisation=f"practice-{uuid4().hex[:8]}")


async def handed_over(
    people: httpx2.AsyncClient, practice: dict[str, str], body: dict[str, Any] = SIXTEEN
) -> tuple[dict[str, Any], str, str]:
    """The line's result, the path of the guardian's invitation, and the PIN."""
    [result] = await hand_over(people, practice, line("a", body))
    [own] = result["participants"]
    assert own["role"] == "guardian"
    return result, f"/v1/invitations/{own['code']}", own["pin"]


async def stands(people: httpx2.AsyncClient, result: dict[str, Any]) -> dict[str, Any]:
    sent = {"case_code": result["case_code"], "pin": result["pin"]}
    session = (await people.post("/v1/sessions", json=sent)).json()["token"]
    headers = {"Authorization": f"Bearer {session}"}
    shown: dict[str, Any] = (await people.get(f"/v1/cases/{result['case_code']}", headers=headers)).json()
    return shown


async def test_a_sixteen_year_olds_case_goes_on_after_the_guardians_consent_and_not_before(
    people: httpx2.AsyncClient, practice: dict[str, str], store: IntakeDatabase
) -> None:
    result, at, pin = await handed_over(people, practice)
    case_id = str(await case_id_of(store, f"/v1/cases/{result['case_code']}"))
    [submitted] = await store.said(case_id)
    assert submitted.event["gate"] == "waits_for_consent"
    assert (await stands(people, result))["waiting_on"] == "guardian"
    answer = await people.post(f"{at}/accept", json=ACCEPT | {"pin": pin})
    assert (answer.status_code, answer.json()) == (200, {"consent": "given"})
    assert [one.event["gate"] for one in await store.said(case_id)] == ["waits_for_consent", "open"]
    assert (await stands(people, result))["state"] == "matching"


async def test_a_refusal_stops_the_case_and_is_told(
    people: httpx2.AsyncClient, practice: dict[str, str], store: IntakeDatabase
) -> None:
    result, at, pin = await handed_over(people, practice)
    case_id = str(await case_id_of(store, f"/v1/cases/{result['case_code']}"))
    assert (await people.post(f"{at}/decline", json={"pin": pin})).status_code == 200
    said = await store.said(case_id)
    assert [(one.type, one.event.get("reason")) for one in said[1:]] == [
        ("intake.case_withdrawn.v1", "consent_refused")
    ]
    now = await stands(people, result)
    assert (now["state"], now["reason"], now["next_step"]) == (
        "closed",
        "consent_refused",
        "ask_again_any_time",
    )
    before = await store.rows()
    assert (await people.post(f"{at}/decline", json={"pin": pin})).status_code == 200
    late = await people.post(f"{at}/accept", json=ACCEPT | {"pin": pin})
    assert (late.status_code, late.json()["code"]) == (409, "case_closed")
    assert await store.rows() == before


async def test_a_consent_that_is_taken_back_ends_what_it_began(
    people: httpx2.AsyncClient, practice: dict[str, str], store: IntakeDatabase
) -> None:
    result, at, pin = await handed_over(people, practice)
    case_id = str(await case_id_of(store, f"/v1/cases/{result['case_code']}"))
    assert (await people.post(f"{at}/accept", json=ACCEPT | {"pin": pin})).status_code == 200
    assert (await people.post(f"{at}/decline", json={"pin": pin})).status_code == 200
    said = [(one.type, one.event.get("reason")) for one in await store.said(case_id)]
    assert ("intake.case_withdrawn.v1", "consent_refused") in said
    assert (await stands(people, result))["state"] == "closed"


async def test_a_forged_an_expired_and_a_used_code_open_nothing(
    people: httpx2.AsyncClient, practice: dict[str, str], store: IntakeDatabase
) -> None:
    result, at, pin = await handed_over(people, practice)
    case_id = await case_id_of(store, f"/v1/cases/{result['case_code']}")
    wrong = "000000" if pin != "000000" else "000001"
    forged = await people.post(f"{at}/accept", json=ACCEPT | {"pin": wrong})
    strangers = await people.post("/v1/invitations/ZZZZZZZZZZ/accept", json=ACCEPT | {"pin": pin})
    await store.admin.execute(
        "UPDATE intake.attendees SET expires_at = now() - interval '1 second' WHERE case_id = $1", case_id
    )
    expired = await people.post(f"{at}/accept", json=ACCEPT | {"pin": pin})
    for answer, status, code in (
        (forged, 401, "wrong_code_or_pin"),
        (strangers, 401, "wrong_code_or_pin"),
        (expired, 410, "invitation_expired"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
    assert len(await store.said(str(case_id))) == 1
    assert (await stands(people, result))["waiting_on"] == "guardian"
    await store.admin.execute("UPDATE intake.attendees SET expires_at = NULL WHERE case_id = $1", case_id)
    assert (await people.post(f"{at}/accept", json=ACCEPT | {"pin": pin})).status_code == 200
    before = await store.rows()
    assert (await people.post(f"{at}/accept", json=ACCEPT | {"pin": pin})).status_code == 200
    assert await store.rows() == before


async def test_an_invitation_has_an_end(
    people: httpx2.AsyncClient, practice: dict[str, str], store: IntakeDatabase
) -> None:
    result, _, _ = await handed_over(people, practice)
    case_id = await case_id_of(store, f"/v1/cases/{result['case_code']}")
    ends = await store.admin.fetchval(
        "SELECT expires_at - changed_at FROM intake.attendees WHERE case_id = $1", case_id
    )
    assert ends == OPEN_FOR > timedelta(0)


async def test_a_line_that_comes_again_has_the_same_codes(
    people: httpx2.AsyncClient, practice: dict[str, str]
) -> None:
    first, _, _ = await handed_over(people, practice)
    again, _, _ = await handed_over(people, practice)
    assert again == first | {"outcome": "already_accepted"}


CONTACT = {"channel": "sms", "address": "0399 7654321"}
INVITED = asking(age_band="13-17") | {
    "attendees": [{"role": "guardian", "consent": "invited", "contact": CONTACT}]
}


async def invitation_of(store: IntakeDatabase, case_id: UUID) -> Any:
    [made] = [one.event for one in await store.said(str(case_id)) if one.type == "intake.invitation_made.v1"]
    return made


async def test_an_invited_guardian_is_sent_a_code_that_only_their_own_key_opens(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    asked = await ask(people, INVITED)
    assert "participants" not in asked.json()
    case_id = await case_id_of(store, asked.json()["status_url"])
    made = await invitation_of(store, case_id)
    assert made["purpose"] == "consent_request"
    person = UUID(made["person_id"])
    wrapped = await store.admin.fetchval("SELECT wrapped FROM vault.person_keys WHERE person_id = $1", person)
    key, box = Sealer(WRAPPING_KEY).unwrap(wrapped), made["codes"]["box"]
    opened = open_box(key, box, purpose="contact", person_id=person, field="invitation", version=1)
    code, pin = opened.decode().split()
    answer = await people.post(f"/v1/invitations/{code}/accept", json=ACCEPT | {"pin": pin})
    assert answer.status_code == 200
    assert (await store.said(str(case_id)))[-1].event["gate"] == "open"


OWN = {"attendees": [{"role": "guardian", "consent": "invited", "contact": INVITED["contact"]}]}


async def test_nobody_is_their_own_guardian(people: httpx2.AsyncClient, store: IntakeDatabase) -> None:
    problem = await refused(people, store, json=INVITED | OWN)
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [
        ("/attendees/0/contact/address", "your_own")
    ]


@pytest.mark.parametrize(
    "other", [{"source": "family"}, {"contact": INVITED["contact"] | {"owner": "shared"}}]
)
async def test_a_mother_who_asks_or_whose_telephone_is_shared_is_a_guardian(
    people: httpx2.AsyncClient, other: dict[str, Any]
) -> None:
    assert (await ask(people, INVITED | OWN | other)).status_code == 202


async def test_whom_the_asker_tells_themselves_is_not_written_to(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    pending = INVITED | {"attendees": [{"role": "guardian", "contact": CONTACT}]}
    case_id = await case_id_of(store, (await ask(people, pending)).json()["status_url"])
    assert "intake.invitation_made.v1" not in [one.type for one in await store.said(str(case_id))]


async def test_a_request_that_is_taken_back_takes_back_its_invitations(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    accepted = (await ask(people, INVITED)).json()
    made = await invitation_of(store, await case_id_of(store, accepted["status_url"]))
    sent = {"case_code": accepted["case_code"], "pin": accepted["pin"]}
    session = (await people.post("/v1/sessions", json=sent)).json()["token"]
    headers = {"Authorization": f"Bearer {session}"}
    assert (await people.post(f"{accepted['status_url']}/withdraw", headers=headers)).status_code == 200
    stopped = [
        one.key
        for one in await store.said()
        if one.type == "intake.contact_stopped.v1" and one.key == made["person_id"]
    ]
    assert stopped == [made["person_id"]]
    gate = "SELECT state FROM vault.stops WHERE person_id = $1"
    assert await store.admin.fetchval(gate, UUID(made["person_id"])) == "stopped"
