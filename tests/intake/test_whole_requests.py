"""All that may be said with a request: it reaches matching as it was said, and nothing of it is taken that cannot be."""

from dataclasses import replace
from typing import Any, get_args
from uuid import uuid4

import httpx2
import orjson
import pytest
from hypothesis import given

from services.intake.api.requests import EXAMPLE, SMALLEST, CaseSent
from services.intake.domain.checking import check
from services.intake.domain.policy import InconsistentPolicyError, Policy, checked
from services.intake.domain.requests import CareRequest, EarlierCase
from services.intake.domain.vocabulary import CHOICES, AccessNeed
from services.intake.handlers.announcements import asked_for
from services.intake.settings.data_files import read_policy
from shared.contracts.intake import CaseSubmitted
from shared.web import parse
from tests.intake.bodies import BODIES
from tests.intake.conftest import IntakeDatabase
from tests.intake.people import somebody
from tests.intake.test_asking import ask, asking
from tests.intake.test_bad_input import changed, refused
from tests.intake.test_over_http import case_id_of, come_back

POLICY = read_policy()
ABSENT: dict[str, Any] = {
    "kind": "individual",
    "therapist_gender": None,
    "faith_sensitive": False,
    "time_zone": "Asia/Karachi",
    "problem_areas": [],
    "age_band": None,
    "coverage": [],
    "access_needs": [],
    "source": "self",
    "previous_therapist": None,
    "booking_mode": "auto",
    "area": None,
    "radius_km": None,
    "max_fee": None,
    "wanted_times": [],
}
NOT_NEEDS = {"contact", "consent", "continues", "red_flags", "gender", "answers"}


@given(BODIES)
def test_what_is_accepted_reaches_matching_as_it_was_said(body: dict[str, Any]) -> None:
    care = check(POLICY, parse(CaseSent, orjson.dumps(body)).meant())
    assert isinstance(care, CareRequest)
    event = CaseSubmitted.model_construct(**asked_for(care.needs))
    said = orjson.loads(
        orjson.dumps({name: getattr(event, name) for name in asked_for(care.needs)}, default=_plain)
    )
    expected = ABSENT | {name: value for name, value in body.items() if name not in NOT_NEEDS}
    if expected["therapist_gender"]:
        expected["therapist_gender"] = {"must": False} | expected["therapist_gender"]
    expected["wanted_times"] = [
        {"day": one["day"], "start": _minutes(one["start"]), "end": _minutes(one["end"])}
        for one in expected["wanted_times"]
    ]
    assert said == expected


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json")


def _minutes(wall_time: str) -> int:
    return int(wall_time[:2]) * 60 + int(wall_time[3:])


async def test_the_whole_request_is_said_and_kept(people: httpx2.AsyncClient, store: IntakeDatabase) -> None:
    path = (await ask(people, EXAMPLE)).json()["status_url"]
    case_id = await case_id_of(store, path)
    [submitted] = [
        one.event for one in await store.said(str(case_id)) if one.type.endswith("case_submitted.v1")
    ]
    told = (
        "area",
        "radius_km",
        "access_needs",
        "coverage",
        "source",
        "previous_therapist",
        "faith_sensitive",
    )
    assert {name: submitted[name] for name in told} == {name: EXAMPLE[name] for name in told}
    assert submitted["therapist_gender"] == {"wish": "woman", "must": True}
    row = await store.admin.fetchrow("SELECT * FROM intake.cases WHERE case_id = $1", case_id)
    assert (row["request_version"], row["continues"]) == (1, None)
    assert row["step_table_version"] == submitted["step_table_version"]
    assert orjson.loads(row["needs"])["previous_therapist"] == EXAMPLE["previous_therapist"]


async def test_windows_are_told_in_the_zone_they_are_meant_in(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path = (await ask(people, SMALLEST | {"time_zone": "Europe/London"})).json()["status_url"]
    person = await store.admin.fetchrow(
        "SELECT person_id, time_zone FROM intake.contacts JOIN intake.cases USING (person_id) WHERE case_code = $1",
        path.rpartition("/")[2],
    )
    [contact] = [one.event for one in await store.said() if one.key == str(person["person_id"])]
    assert contact["time_zone"] == person["time_zone"] == "Europe/London"


WRONG: list[tuple[str, Any, str, str]] = [
    ("therapist_gender", {"wish": "other"}, "/therapist_gender/wish", "literal_error"),
    ("therapist_gender", {"must": True}, "/therapist_gender/wish", "missing"),
    ("faith_sensitive", "yes", "/faith_sensitive", "bool_type"),
    ("area", "x" * 81, "/area", "too_long"),
    ("area", "call 0399 1234567", "/area", "not_an_area"),
    ("area", "a@example.org", "/area", "not_an_area"),
    ("area", "Model\u202eTown", "/area", "control_characters"),
    ("radius_km", 0, "/radius_km", "greater_than_equal"),
    ("radius_km", 501, "/radius_km", "less_than_equal"),
    ("radius_km", "8", "/radius_km", "float_type"),
    ("access_needs", ["lift"], "/access_needs/0", "literal_error"),
    ("access_needs", ["companion", "companion"], "/access_needs/1", "repeated"),
    ("coverage", ["Zara Khan"], "/coverage/0", "string_pattern_mismatch"),
    ("coverage", ["a1", "a1"], "/coverage/1", "repeated"),
    ("coverage", ["a1"] * 6, "/coverage", "too_many"),
    ("source", "neighbour", "/source", "literal_error"),
    (
        "previous_therapist",
        {"therapist_id": "x", "wish": "again"},
        "/previous_therapist/therapist_id",
        "uuid_parsing",
    ),
    ("previous_therapist", {"therapist_id": str(uuid4())}, "/previous_therapist/wish", "missing"),
    ("time_zone", "Asia/Atlantis", "/time_zone", "unknown_time_zone"),
    ("time_zone", "../etc/passwd", "/time_zone", "unknown_time_zone"),
    ("time_zone", "localtime", "/time_zone", "unknown_time_zone"),
    ("booking_mode", "later", "/booking_mode", "literal_error"),
    ("continues", "0123456789", "/continues", "model_type"),
]


@pytest.mark.parametrize(("field", "value", "pointer", "code"), WRONG)
async def test_a_wish_that_cannot_be_is_named(
    people: httpx2.AsyncClient, store: IntakeDatabase, field: str, value: Any, pointer: str, code: str
) -> None:
    problem = await refused(people, store, json=changed((field, value)))
    assert (pointer, code) in [(one["pointer"], one["code"]) for one in problem["errors"]]


@pytest.mark.parametrize("wish", [{"area": "Model Town"}, {"radius_km": 5}])
async def test_a_place_without_its_city_is_refused(
    people: httpx2.AsyncClient, store: IntakeDatabase, wish: dict[str, Any]
) -> None:
    problem = await refused(people, store, json=SMALLEST | wish)
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("/city", "missing")]


async def test_an_earlier_case_is_named_by_its_code_and_pin_as_an_urdu_keyboard_writes_them(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    first = (await ask(people, asking())).json()
    urdu = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
    earlier = {"case_code": first["case_code"].translate(urdu), "pin": first["pin"].translate(urdu)}
    path = (await ask(people, SMALLEST | {"continues": earlier})).json()["status_url"]
    case_id = await case_id_of(store, path)
    before = await case_id_of(store, first["status_url"])
    assert [one.event["continues"] for one in await store.said(str(case_id))] == [str(before)]
    assert (
        await store.admin.fetchval("SELECT continues FROM intake.cases WHERE case_id = $1", case_id) == before
    )


async def test_an_earlier_case_may_be_proved_by_its_session(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    earlier, session = await come_back(people)
    body = SMALLEST | {"continues": {"case_code": earlier.rpartition("/")[2]}}
    for client, at in ((people, "/v1/cases"), (duty, "/v1/crisis/cases")):
        answer = await client.post(at, json=body, headers=session | {"Idempotency-Key": str(uuid4())})
        case_id = await case_id_of(store, answer.json()["status_url"])
        [submitted] = await store.said(str(case_id))
        assert submitted.event["continues"] == str(await case_id_of(store, earlier))


async def test_nobody_continues_a_case_they_cannot_come_back_to(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    earlier, _ = await come_back(people)
    code = earlier.rpartition("/")[2]
    _, other = await come_back(people)
    unproved = await refused(people, store, json=SMALLEST | {"continues": {"case_code": code}})
    assert unproved["errors"][0]["code"] == "proof_needed"
    foreign = await refused(people, store, json=SMALLEST | {"continues": {"case_code": code}}, headers=other)
    assert (foreign["errors"][0]["pointer"], foreign["errors"][0]["code"]) == (
        "/continues",
        "wrong_code_or_pin",
    )


async def test_wrong_pins_of_an_earlier_case_are_refused_and_slowed_like_sessions(
    people: httpx2.AsyncClient,
) -> None:
    earlier, _ = await come_back(people)
    wrong = SMALLEST | {"continues": {"case_code": earlier.rpartition("/")[2], "pin": "nonsense"}}
    answers = [await ask(people, wrong) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [422, 422, 422, 429]
    assert answers[0].json()["errors"][0] | {"detail": ""} == {
        "pointer": "/continues",
        "code": "wrong_code_or_pin",
        "detail": "",
    }
    assert int(answers[3].headers["retry-after"]) >= 1
    assert all(answer.json()["crisis"]["lines"] for answer in answers)


def test_an_earlier_case_that_nobody_proved_is_never_said() -> None:
    request = replace(somebody(), continues=EarlierCase("0123456789", None))
    with pytest.raises(ValueError, match="not proved"):
        _ = request.proved_earlier


async def test_every_code_that_may_be_chosen_has_a_title_in_english_and_urdu(
    people: httpx2.AsyncClient,
) -> None:
    reference = (await people.get("/v1/reference")).json()
    assert set(reference["access_needs"]) == set(get_args(AccessNeed))
    for group in CHOICES:
        assert set(reference["titles"][group]) == set(reference[group])
        assert all(text["en"] and text["ur"] for text in reference["titles"][group].values())


def test_a_code_without_a_title_stops_the_start(policy: Policy) -> None:
    untold = {**policy.titles, "sources": {"self": {"en": "By myself", "ur": "خود"}}}
    with pytest.raises(InconsistentPolicyError, match="sources"):
        checked(replace(policy, titles=untold))
