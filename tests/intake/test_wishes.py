"""Changing wishes: one thing at a time, on what was seen, as a whole that can be meant, and matching hears it again."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.api.requests import SMALLEST, CaseSent, WishesSent
from services.intake.api.wishes import EXAMPLE, as_sent
from services.intake.domain.requests import Needs
from services.intake.domain.triage import Triage
from services.intake.domain.wishes import KeptRequest, change, merge_patch
from services.intake.handlers.wishes import Change, change_wishes
from shared.web import parse
from tests.intake.bodies import BODIES
from tests.intake.conftest import IntakeDatabase
from tests.intake.people import NEEDS
from tests.intake.test_asking import ask
from tests.intake.test_over_http import Token, case_id_of, come_back

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)
T0 = datetime(2026, 11, 26, tzinfo=UTC)
KEPT = KeptRequest(
    UUID(int=1),
    UUID(int=2),
    UUID(int=3),
    "open",
    NEEDS,
    Triage(2, 0, ("x",), False),
    "1",
    None,
    T0,
    False,
    7,
    1,
)


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        # The table of RFC 7396, appendix A.
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_is_that_of_the_rfc(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


@given(JSON, JSON)
def test_a_patch_given_twice_is_given_once_and_touches_neither_side(target: Any, patch: Any) -> None:
    before = orjson.dumps([target, patch])
    once = merge_patch(target, patch)
    assert merge_patch(once, patch) == once
    assert orjson.dumps([target, patch]) == before


@given(OBJECTS)
def test_a_patch_of_nothing_changes_nothing(target: dict[str, Any]) -> None:
    assert merge_patch(target, {}) == target


@given(OBJECTS, OBJECTS)
def test_what_a_patch_does_not_name_stays(target: dict[str, Any], patch: dict[str, Any]) -> None:
    merged = merge_patch(target, patch)
    assert {k: v for k, v in merged.items() if k not in patch} == {
        k: v for k, v in target.items() if k not in patch
    }


@given(BODIES)
def test_wishes_that_are_shown_are_read_back_as_they_are(body: dict[str, Any]) -> None:
    needs = parse(CaseSent, orjson.dumps(body)).meant().needs
    shown = parse(WishesSent, orjson.dumps(as_sent(needs)))
    assert replace(needs, **shown.wishes()) == needs


def test_a_change_counts_once_on_what_was_seen_and_never_after_the_end() -> None:
    other = replace(NEEDS, max_fee=500)
    after = change(KEPT, 7, other)
    assert isinstance(after, KeptRequest)
    assert (after.needs, after.version, after.request_version) == (other, 8, 2)
    assert change(KEPT, 7, NEEDS) is KEPT
    assert change(KEPT, 6, other) == "stale"
    assert change(after, 7, other) == "stale"
    assert change(replace(KEPT, closed=True), 7, other) == "closed"


async def opened(people: httpx2.AsyncClient) -> tuple[str, dict[str, str]]:
    """A case's path, and headers with its session and its ETag."""
    path, session = await come_back(people)
    return path, session | {"If-Match": (await people.get(path, headers=session)).headers["etag"]}


async def patch(
    people: httpx2.AsyncClient, path: str, body: Any, headers: dict[str, str], kind: str = "merge-patch+json"
) -> httpx2.Response:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return await people.patch(
        path, content=content, headers=headers | {"Content-Type": f"application/{kind}"}
    )


@pytest.mark.parametrize("kind", ["json", "merge-patch+json"])
async def test_a_change_is_kept_said_as_a_whole_and_moves_the_etag(
    people: httpx2.AsyncClient, store: IntakeDatabase, kind: str
) -> None:
    path, headers = await opened(people)
    answer = await patch(people, path, EXAMPLE, headers, kind)
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    assert answer.headers["etag"] == (await people.get(path, headers=headers)).headers["etag"]
    assert answer.headers["etag"] != headers["If-Match"]
    wishes = await people.get(f"{path}/wishes", headers=headers)
    assert wishes.headers["etag"] == answer.headers["etag"]
    assert "max_fee" not in wishes.json()
    assert wishes.json()["therapist_gender"] == {"wish": "woman", "must": False}
    said = await store.said(str(await case_id_of(store, path)))
    submitted, updated = (one.event for one in said)
    assert [one.type for one in said] == ["intake.case_submitted.v1", "intake.case_updated.v1"]
    changed = {name for name in submitted if submitted[name] != updated[name]}
    assert changed == {"modalities", "therapist_gender", "max_fee", "booking_mode"}
    assert (updated["request_version"], updated["modalities"]) == (2, ["audio", "phone"])


async def test_a_patch_of_nothing_and_of_what_is_already_so_change_nothing(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, headers = await opened(people)
    before = await store.rows()
    wishes = (await people.get(f"{path}/wishes", headers=headers)).json()
    for body in ({}, wishes, {"faith_sensitive": True}):
        answer = await patch(people, path, body, headers)
        assert (answer.status_code, answer.headers["etag"]) == (200, headers["If-Match"])
    assert await store.rows() == before


async def test_without_the_version_seen_or_with_an_old_one_nothing_changes(
    people: httpx2.AsyncClient,
) -> None:
    path, headers = await opened(people)
    session = {"Authorization": headers["Authorization"]}
    missing = await patch(people, path, {"max_fee": 1}, session)
    assert (missing.status_code, missing.json()["code"]) == (428, "version_needed")
    assert (await patch(people, path, {"max_fee": 1}, headers)).status_code == 200
    stale = await patch(people, path, {"max_fee": 2}, headers)
    assert (stale.status_code, stale.json()["code"]) == (412, "changed_meanwhile")
    assert (await patch(people, path, {"max_fee": 2}, session | {"If-Match": "*"})).status_code == 200
    assert (await people.get(f"{path}/wishes", headers=session)).json()["max_fee"] == 2


async def test_of_two_changes_at_once_from_the_same_version_one_counts(
    store: IntakeDatabase, people: Any
) -> None:
    path, _ = await come_back(people)
    case_id = await case_id_of(store, path)
    async with store.intake.transaction() as tx:
        changes = [Change(case_id, 1, replace(NEEDS, max_fee=fee), None) for fee in (1, 2)]
        assert await change_wishes(changes, tx) == [None, "stale"]
    kept = await store.admin.fetchval("SELECT needs FROM intake.cases WHERE case_id = $1", case_id)
    assert orjson.loads(kept)["max_fee"] == 1


REFUSED: list[tuple[Any, str, str]] = [
    ({"modalities": []}, "/modalities", "too_short"),
    ({"modalities": None}, "/modalities", "missing"),
    ({"languages": ["xx"]}, "/languages/0", "literal_error"),
    ({"languages": ["ur", "ur"]}, "/languages/1", "repeated"),
    ({"city": "Karachi"}, "/city", "not_in_province"),
    ({"city": None}, "/city", "missing"),
    ({"area": "0399 1234567"}, "/area", "not_an_area"),
    (
        {"wanted_times": [{"day": 1, "start": "17:00", "end": "16:00"}]},
        "/wanted_times/0/end",
        "ends_before_start",
    ),
    ({"therapist_gender": {"must": None, "wish": None}}, "/therapist_gender/wish", "missing"),
    ({"time_zone": "Mars/Olympus"}, "/time_zone", "unknown_time_zone"),
    ({"province": "PK-SD"}, "/province", "not_changeable"),
    ({"contact": None}, "/contact", "not_changeable"),
    ({"kind": "couple", "answers": {}}, "/answers", "not_changeable"),
    (b'{"area":' + b'{"a":' * 400 + b"1" + b"}" * 401, "", "too_deep"),
]


@pytest.mark.parametrize(("body", "pointer", "code"), REFUSED)
async def test_what_cannot_be_meant_with_the_other_wishes_is_named(
    people: httpx2.AsyncClient, store: IntakeDatabase, body: Any, pointer: str, code: str
) -> None:
    path, headers = await opened(people)
    before = await store.rows()
    answer = await patch(people, path, body, headers)
    assert answer.status_code == 422
    assert (pointer, code) in [(one["pointer"], one["code"]) for one in answer.json()["errors"]]
    assert answer.json()["crisis"]["lines"]
    assert await store.rows() == before


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"", 400), (b"[]", 422), (b"null", 422), (b'"x"', 422)]
)
async def test_a_body_that_is_no_patch_is_refused(
    people: httpx2.AsyncClient, body: bytes, status: int
) -> None:
    path, headers = await opened(people)
    assert (await patch(people, path, body, headers)).status_code == status


async def test_wishes_are_seen_and_changed_by_their_person_alone(
    people: httpx2.AsyncClient, token: Token
) -> None:
    path, headers = await opened(people)
    _, other = await come_back(people)
    for at in (path, "/v1/cases/0000000000"):
        assert (await patch(people, at, {}, headers | other)).status_code == 404
    assert (await people.get(f"{path}/wishes", headers=other)).status_code == 404
    assert (await people.get(f"{path}/wishes", headers=token("coordinator"))).status_code == 403
    assert (await patch(people, path, {}, token("coordinator"))).status_code == 403
    assert (await patch(people, path, {}, {})).status_code == 401
    assert (await patch(people, path, b"x", headers, "xml")).status_code == 415


async def test_a_case_that_was_taken_back_is_not_changed_any_more(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, headers = await opened(people)
    await people.post(f"{path}/withdraw", headers={"Authorization": headers["Authorization"]})
    now = (await people.get(path, headers=headers)).headers["etag"]
    answer = await patch(people, path, {"max_fee": 1}, headers | {"If-Match": now})
    assert (answer.status_code, answer.json()["code"]) == (409, "case_closed")
    case_id = await case_id_of(store, path)
    async with store.intake.transaction() as tx:
        assert await change_wishes([Change(case_id, 2, NEEDS, None)], tx) == ["closed"]


async def test_a_request_from_before_the_wishes_were_so_many_can_be_changed(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, headers = await opened(people)
    old = [
        "kind",
        "modalities",
        "languages",
        "problem_areas",
        "province",
        "city",
        "age_band",
        "wanted_times",
        "max_fee",
    ]
    await store.admin.execute(
        "UPDATE intake.cases SET needs = (SELECT jsonb_object_agg(key, value) FROM jsonb_each(needs) WHERE key = ANY ($2))"
        " WHERE case_code = $1",
        path.rpartition("/")[2],
        old,
    )
    answer = await patch(people, path, {"access_needs": ["hearing"]}, headers)
    assert answer.status_code == 200
    said = (await store.said(str(await case_id_of(store, path))))[-1].event
    assert (said["access_needs"], said["source"], said["time_zone"]) == (["hearing"], "self", "Asia/Karachi")


async def test_the_published_example_of_a_change_is_taken(people: httpx2.AsyncClient) -> None:
    described = (await people.get("/openapi.json")).json()
    content = described["paths"]["/v1/cases/{code}"]["patch"]["requestBody"]["content"]
    assert set(content) == {"application/json", "application/merge-patch+json"}
    for example in content["application/merge-patch+json"]["examples"].values():
        path, headers = await opened(people)
        assert (await patch(people, path, example["value"], headers)).status_code == 200


async def test_the_smallest_request_has_wishes_that_can_be_changed(people: httpx2.AsyncClient) -> None:
    accepted = (await ask(people, SMALLEST)).json()
    sent = {"case_code": accepted["case_code"], "pin": accepted["pin"]}
    token = (await people.post("/v1/sessions", json=sent)).json()["token"]
    headers = {"Authorization": f"Bearer {token}", "If-Match": "*"}
    answer = await patch(people, accepted["status_url"], {"city": "lahore", "radius_km": 5}, headers)
    assert answer.status_code == 200
    wishes = (await people.get(accepted["status_url"] + "/wishes", headers=headers)).json()
    assert (wishes["city"], wishes["radius_km"], wishes["modalities"]) == ("Lahore", 5, ["video"])


def test_only_wishes_can_be_changed_and_they_are_needs() -> None:
    assert set(WishesSent.model_fields) < set(Needs.__slots__)
