"""Others who take part: each a person of their own, and nobody's consent is given by somebody else."""

from typing import Any, get_args

import httpx2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.api.requests import COUPLE, SMALLEST, CaseSent
from services.intake.domain.attendees import ROLES, awaited
from services.intake.domain.checking import check
from services.intake.domain.requests import CareRequest
from services.intake.domain.vocabulary import AgeBand, AttendeeRole, Kind
from services.intake.handlers.submission import Asked, Desk, submit_cases
from services.intake.settings.data_files import read_policy
from shared.privacy import Sealer, open_box
from shared.web import parse
from tests.intake.conftest import WRAPPING_KEY, IntakeDatabase
from tests.intake.people import somebody
from tests.intake.test_asking import ask, asking
from tests.intake.test_bad_input import refused
from tests.intake.test_over_http import case_id_of
from tests.intake.test_wishes import patch

POLICY = read_policy()
ROLE = st.sampled_from(get_args(AttendeeRole))
KIND = st.sampled_from(get_args(Kind))


@pytest.mark.parametrize(
    ("kind", "age", "given_by", "missing"),
    [
        ("individual", "25-34", [], None),
        ("individual", None, [], None),
        ("individual", "13-17", [], "guardian"),
        ("individual", "13-17", ["guardian"], None),
        ("couple", "25-34", [], "participant"),
        ("couple", "25-34", ["partner"], None),
        ("couple", "13-17", ["partner"], "guardian"),
        ("couple", "13-17", ["guardian"], "participant"),
        ("family", "25-34", [], None),
        ("child", "13-17", ["family"], "guardian"),
    ],
)
def test_a_case_waits_for_a_minors_guardian_and_for_a_couples_other_half(
    kind: Any, age: Any, given_by: Any, missing: str | None
) -> None:
    assert awaited(kind, age, given_by) == missing


@given(KIND, st.sampled_from([None, *get_args(AgeBand)]), st.lists(ROLE), ROLE)
def test_one_consent_more_never_makes_a_case_wait_for_more(
    kind: Any, age: Any, given_by: Any, more: Any
) -> None:
    if awaited(kind, age, given_by) is None:
        assert awaited(kind, age, [*given_by, more]) is None


@given(KIND, st.lists(ROLE, max_size=8))
def test_who_may_take_part_follows_from_the_kind_of_care(kind: Any, roles: Any) -> None:
    body = SMALLEST | {"kind": kind, "attendees": [{"role": role} for role in roles]}
    found = check(POLICY, parse(CaseSent, orjson.dumps(body)).meant())
    fits = (
        set(roles) <= ROLES[kind] and roles.count("partner") <= 1 and (kind != "couple" or "partner" in roles)
    )
    assert isinstance(found, CareRequest) == fits


async def people_of(store: IntakeDatabase, path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The case as it was said, and its other attendee's row."""
    case_id = await case_id_of(store, path)
    [submitted] = [one.event for one in await store.said(str(case_id)) if one.type.endswith("submitted.v1")]
    row = await store.admin.fetchrow("SELECT * FROM intake.attendees WHERE case_id = $1", case_id)
    return submitted, dict(row)


async def test_a_partner_is_a_person_with_handle_contact_key_and_no_consent_yet(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    submitted, partner = await people_of(store, (await ask(people, COUPLE)).json()["status_url"])
    assert [(one["role"], one["consent"]) for one in submitted["attendees"]] == [
        ("person", "given"),
        ("partner", "invited"),
    ]
    assert submitted["gate"] == "waits_for_consent"
    assert submitted["attendees"][1]["person_id"] == str(partner["person_id"]) != submitted["person_id"]
    contact, invitation = [one.event for one in await store.said() if one.key == str(partner["person_id"])]
    assert invitation["purpose"] == "invitation"
    box = await store.admin.fetchval(
        "SELECT box FROM intake.contacts WHERE person_id = $1", partner["person_id"]
    )
    assert contact["address"]["box"] == box
    wrapped = await store.admin.fetchval(
        "SELECT wrapped FROM vault.person_keys WHERE person_id = $1 AND purpose = 'contact'",
        partner["person_id"],
    )
    place: dict[str, Any] = {"person_id": partner["person_id"], "version": 1}
    key = Sealer(WRAPPING_KEY).unwrap(wrapped)
    assert open_box(key, box, purpose="contact", field="address", **place) == b"+923997654321"
    consents = "SELECT count(*) FROM intake.consents WHERE person_id = $1"
    assert await store.admin.fetchval(consents, partner["person_id"]) == 0


async def test_whoever_has_no_contact_of_their_own_is_not_reached_by_the_askers(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    body = SMALLEST | {"kind": "family", "attendees": [{"role": "family"}]}
    submitted, sister = await people_of(store, (await ask(people, body)).json()["status_url"])
    assert (submitted["gate"], submitted["attendees"][1]["consent"]) == ("open", "pending")
    [contact] = [one.event for one in await store.said() if one.key == str(sister["person_id"])]
    assert (contact["channels"], contact["address"]) == (["inbox"], None)


async def test_the_asker_sees_for_whom_the_case_waits(people: httpx2.AsyncClient) -> None:
    guardian = {"attendees": [{"role": "guardian"}]}
    for body, waiting_on, next_step in (
        (COUPLE, "participant", "ask_participant"),
        (asking(age_band="13-17") | guardian, "guardian", "ask_guardian"),
    ):
        accepted = (await ask(people, body)).json()
        sent = {"case_code": accepted["case_code"], "pin": accepted["pin"]}
        session = (await people.post("/v1/sessions", json=sent)).json()["token"]
        headers = {"Authorization": f"Bearer {session}"}
        view = (await people.get(accepted["status_url"], headers=headers)).json()
        assert (view["state"], view["waiting_on"], view["next_step"]) == ("held", waiting_on, next_step)


async def test_a_changed_wish_says_the_attendees_again(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    accepted = (await ask(people, COUPLE)).json()
    sent = {"case_code": accepted["case_code"], "pin": accepted["pin"]}
    session = (await people.post("/v1/sessions", json=sent)).json()["token"]
    headers = {"Authorization": f"Bearer {session}", "If-Match": "*"}
    assert (await patch(people, accepted["status_url"], {"max_fee": 1}, headers)).status_code == 200
    submitted, _, updated = (
        one.event for one in await store.said(str(await case_id_of(store, accepted["status_url"])))
    )
    assert updated["attendees"] == submitted["attendees"]
    assert updated["gate"] == "waits_for_consent"


async def test_whoever_comes_alone_costs_no_statement_more(store: IntakeDatabase, desk: Desk) -> None:
    asked: list[str] = []
    async with store.intake.transaction() as tx:
        with tx.connection.query_logger(lambda record: asked.append(record.query)):
            await submit_cases([Asked(somebody(), None)] * 3, tx, desk)
            await tx.flush()
    assert any("INTO contacts" in query for query in asked)
    assert not any("attendees" in query for query in asked)


PARTNER = COUPLE["attendees"][0]
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"attendees": []}, "/attendees", "partner_missing"),
    ({"attendees": [PARTNER, PARTNER]}, "/attendees/1/role", "repeated"),
    ({"attendees": [PARTNER | {"consent": "given"}]}, "/attendees/0/consent", "literal_error"),
    ({"attendees": [{"role": "partner", "consent": "invited"}]}, "/attendees/0/contact", "missing"),
    (
        {"attendees": [PARTNER | {"contact": {"channel": "inbox"}}]},
        "/attendees/0/contact",
        "missing",
    ),
    (
        {"attendees": [PARTNER | {"contact": {"channel": "call", "address": "0399 1234567"}}]},
        "/attendees/0/contact/channel",
        "not_for_invitations",
    ),
    (
        {"attendees": [PARTNER | {"contact": {"channel": "sms", "address": "12"}}]},
        "/attendees/0/contact/address",
        "not_a_mobile_number",
    ),
    (
        {"attendees": [PARTNER | {"contact": {"channel": "sms"}}]},
        "/attendees/0/contact/address",
        "missing",
    ),
    (
        {"attendees": [PARTNER | {"contact": PARTNER["contact"] | {"script": "Arab"}}]},
        "/attendees/0/contact/script",
        "not_offered",
    ),
    ({"attendees": [PARTNER | {"name": "x"}]}, "/attendees/0/name", "unknown_field"),
    ({"attendees": [{"role": "person"}]}, "/attendees/0/role", "literal_error"),
    ({"attendees": [PARTNER, *[{"role": "guardian"}] * 8]}, "/attendees", "too_many"),
    ({"kind": "individual"}, "/attendees/0/role", "not_with_this_kind"),
]


@pytest.mark.parametrize(("change", "pointer", "code"), WRONG)
async def test_what_is_wrong_with_an_attendee_is_named(
    people: httpx2.AsyncClient, store: IntakeDatabase, change: dict[str, Any], pointer: str, code: str
) -> None:
    problem = await refused(people, store, json=COUPLE | change)
    assert (pointer, code) in [(one["pointer"], one["code"]) for one in problem["errors"]]
