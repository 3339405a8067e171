"""Therapists over HTTP: written whole, told to others, refused field by field, with nothing half written."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import orjson
import pytest
import pytest_asyncio
from joserfc.jwk import OKPKey

from services.matching.api.profiles import EXAMPLE, SHORT_FORM
from services.matching.api.suspensions import EXAMPLE as SUSPENSION
from services.matching.domain.places import Point, Site
from services.matching.handlers.sites import know_sites
from services.matching.main import serve
from services.matching.settings import Settings
from shared.web import TokenSigner, create_app
from tests.matching.conftest import Office
from tests.matching.events import a_case, a_site
from tests.matching.examples import POLICY

ID = "018f3c1e-7b1a-7000-8000-0000000000aa"
PATH = f"/v1/therapists/{ID}"
OTHER_FIELDS = {"languages": ["ur"], "modalities": ["video"], "sites": []}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    key = OKPKey.generate_key("Ed25519", parameters={"kid": "tests"}, private=True)
    (folder / "private").write_bytes(orjson.dumps(key.as_dict(private=True)))
    (folder / "public").write_bytes(orjson.dumps(TokenSigner(folder / "private").public_keys()))
    return folder


@pytest_asyncio.fixture(loop_scope="session")
async def http(office: Office, keys: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """As a coordinator, unless the test says otherwise."""
    app = create_app("matching")
    serve(app, Settings(token_public_key_file=keys / "public"), POLICY, office.database)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {token(keys, 'coordinator')}", "content-type": "application/json"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://tests", headers=headers) as client:
        yield client


def token(keys: Path, role: str) -> str:
    return TokenSigner(keys / "private").sign("staff-1", role, now=time.time())


def body(**changes: Any) -> bytes:
    said = EXAMPLE | changes
    return orjson.dumps({name: value for name, value in said.items() if value is not ...})


async def test_a_therapist_is_written_told_to_others_and_found_again(
    http: httpx2.AsyncClient, office: Office
) -> None:
    made = await http.put(PATH, content=body())
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    found = await http.get(PATH)
    assert (found.status_code, found.headers["etag"]) == (200, '"1"')
    assert found.json() == made.json()
    assert found.json() == EXAMPLE | {
        "therapist_id": ID, "version": 1, "suspension": None, "credential": found.json()["credential"],
    }  # fmt: skip
    [said] = await office.said()
    assert (said["topic"], said["therapist_id"], said["lanes"]) == (
        "matching.therapists",
        ID,
        ["online", "in_person"],
    )
    assert said["weekly_limit"] == 18
    assert (said["languages"], said["gender"]) == (["ur", "en"], "woman")
    for competence in (
        "competences",
        "specialist",
        "fee",
        "age_bands",
        "coverage",
        "faith",
        "kinds",
        "grief",
    ):
        assert competence not in said


async def test_the_credential_is_shown_with_its_title(http: httpx2.AsyncClient) -> None:
    shown = {}
    for status in ("no-register-exists", "pending"):
        await http.put(PATH, content=body(register_status=status))
        shown[status] = (await http.get(PATH)).json()["credential"]
    assert shown["no-register-exists"] == {
        "status": "no-register-exists",
        "title": "Clinical psychologist (no register exists)",
        "may_practise": True,
        "lanes": ["online", "in_person"],
        "steps": [1, 2, 3, 4],
        "needs_supervision": False,
        "note": "Not a refusal: there is nothing to be registered with.",
        "table": "2026-11-draft",
    }
    assert (shown["pending"]["title"], shown["pending"]["may_practise"]) == ("", False)


async def test_the_short_form_means_the_least_that_it_can(http: httpx2.AsyncClient) -> None:
    made = await http.put(PATH, json=SHORT_FORM)
    assert made.status_code == 201
    profile = made.json()
    assert profile["languages"] == [
        {"language": "ur", "fluency": "working"},
        {"language": "en", "fluency": "working"},
    ]
    assert profile["competences"][0] == {"problem_area": "low_mood", "steps": [1, 2], "specialist": False}
    assert (profile["kinds"], profile["profession"], profile["status"]) == (["individual"], None, "active")
    again = {name: profile[name] for name in EXAMPLE}
    assert (await http.put(PATH, json=again)).json()["version"] == 1


async def test_a_therapist_is_suspended_and_resumed(http: httpx2.AsyncClient, office: Office) -> None:
    await http.put(PATH, content=body())
    gone = await http.post(f"{PATH}/suspend", json={"reason": "illness"}, headers={"if-match": '"1"'})
    assert (gone.status_code, gone.headers["etag"], gone.json()["status"]) == (200, '"2"', "active")
    assert gone.json()["suspension"]["reason"] == "illness"
    assert gone.json() == (await http.get(PATH)).json()
    moved = await http.post(f"{PATH}/suspend", json=SUSPENSION)
    assert moved.json()["suspension"] == {
        "from": "2027-02-28T19:00:00+00:00", "until": "2027-03-14T19:00:00+00:00", "reason": "leave",
    }  # fmt: skip
    back = await http.post(f"{PATH}/resume")
    assert (back.status_code, back.json()["version"], back.json()["suspension"]) == (200, 4, None)
    assert [said["status"] for said in await office.said()] == ["active", "suspended", "active"]


@pytest.mark.parametrize(
    ("sent", "pointer", "code"),
    [
        ({}, "/reason", "missing"),
        ({"reason": "because"}, "/reason", "literal_error"),
        ({"reason": "leave", "why": "Hajj"}, "/why", "unknown_field"),
        ({"reason": "leave", "from": "tomorrow"}, "/from", "datetime_parsing"),
        ({"reason": "leave", "until": "2027-03-01T00:00:00"}, "/until", "timezone_aware"),
        ({"reason": "leave", "from": "0001-01-01T00:00:00+14:00"}, "/from", "out_of_range"),
        ({"reason": "leave", "until": "9999-12-31T23:59:59-14:00"}, "/until", "out_of_range"),
        ({"reason": "leave", "until": "2027-01-05T07:59:59Z"}, "/until", "not_after"),
        (SUSPENSION | {"until": SUSPENSION["from"]}, "/until", "not_after"),
    ],
)
async def test_a_suspension_that_cannot_be_is_told_why(
    http: httpx2.AsyncClient, sent: dict[str, Any], pointer: str, code: str
) -> None:
    await http.put(PATH, content=body())
    answer = await http.post(f"{PATH}/suspend", json=sent)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert (pointer, code) in [(field["pointer"], field["code"]) for field in answer.json()["errors"]]
    assert (await http.get(PATH)).json()["version"] == 1


@pytest.mark.parametrize(("name", "sent"), [("suspend", {"reason": "leave"}), ("resume", {})])
async def test_suspensions_of_strangers_of_old_versions_and_by_others_are_refused(
    http: httpx2.AsyncClient, keys: Path, name: str, sent: dict[str, Any]
) -> None:
    path = f"{PATH}/{name}"
    assert (await http.post(path, json=sent)).json()["code"] == "therapist_not_found"
    await http.put(PATH, content=body())
    stale = await http.post(path, json=sent, headers={"if-match": '"9"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    for role in ("therapist", "supervisor", "operator", "person"):
        headers = {"authorization": f"Bearer {token(keys, role)}"}
        assert (await http.post(path, json=sent, headers=headers)).status_code == 403
    await http.put(PATH, content=body(status="left"))
    left = await http.post(path, json=sent)
    assert (left.status_code, left.json()["code"]) == (409, "therapist_left")
    assert (await http.get(PATH)).json()["version"] == 2


async def test_the_same_profile_again_writes_and_says_nothing(
    http: httpx2.AsyncClient, office: Office
) -> None:
    for expected in (201, 200, 200):
        answer = await http.put(PATH, content=body())
        assert (answer.status_code, answer.json()["version"]) == (expected, 1)
    assert len(await office.said()) == 1
    changed = await http.put(PATH, content=body(status="suspended"))
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert [said["status"] for said in await office.said()] == ["active", "suspended"]


async def test_two_coordinators_do_not_overwrite_each_other(http: httpx2.AsyncClient) -> None:
    assert (await http.put(PATH, content=body(), headers={"if-match": '"1"'})).status_code == 412
    assert (await http.put(PATH, content=body(), headers={"if-match": '"0"'})).status_code == 201
    assert (await http.put(PATH, content=body(fee=501), headers={"if-match": '"1"'})).status_code == 200
    stale = await http.put(PATH, content=body(fee=502), headers={"if-match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert (await http.get(PATH)).json()["fee"] == 501


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"organisation": "Rehmat Hospital"}, "/organisation", "string_pattern_mismatch"),
    ({"organisation": "a" * 64}, "/organisation", "too_long"),
    ({"organisation": "a\nb"}, "/organisation", "string_pattern_mismatch"),
    ({"organisation": 5}, "/organisation", "string_type"),
    ({"organisation": ...}, "/organisation", "missing"),
    ({"gender": "female"}, "/gender", "literal_error"),
    ({"languages": []}, "/languages", "too_short"),
    ({"languages": ["ur", "klingon"]}, "/languages/1/language", "literal_error"),
    ({"languages": [{"language": "ur", "fluency": "some"}]}, "/languages/0/fluency", "literal_error"),
    ({"languages": [{"language": "ur"}]}, "/languages/0/fluency", "missing"),
    ({"languages": ["ur", {"language": "ur", "fluency": "native"}]}, "/languages", "repeated"),
    ({"languages": [5]}, "/languages/0", "model_type"),
    ({"languages": ["ur", "ur"]}, "/languages", "repeated"),
    ({"languages": "ur"}, "/languages", "tuple_type"),
    ({"modalities": ["telepathy"]}, "/modalities/0", "literal_error"),
    ({"modalities": ...}, "/modalities", "missing"),
    ({"profession": "quack"}, "/profession", "literal_error"),
    ({"kinds": []}, "/kinds", "too_short"),
    ({"kinds": ["crowd"]}, "/kinds/0", "literal_error"),
    ({"competences": []}, "/competences", "one_form"),
    ({"competences": ..., "problem_areas": ["anxiety"]}, "/competences", "one_form"),
    ({"problem_areas": ["anxiety"]}, "/competences", "one_form"),
    ({"problem_areas": ["anxiety", None]}, "/problem_areas/1", "literal_error"),
    (
        {"competences": [{"problem_area": "fear", "steps": [1]}]},
        "/competences/0/problem_area",
        "literal_error",
    ),
    ({"competences": [{"problem_area": "ocd", "steps": []}]}, "/competences/0/steps", "too_short"),
    ({"competences": [{"problem_area": "ocd", "steps": [5]}]}, "/competences/0/steps/0", "less_than_equal"),
    ({"competences": [{"problem_area": "ocd", "steps": [1]}] * 2}, "/competences", "repeated"),
    ({"sliding_fee": 1501}, "/sliding_fee", "above_fee"),
    ({"sliding_fee": -1}, "/sliding_fee", "greater_than_equal"),
    ({"coverage": ["Sehat Card"]}, "/coverage/0", "string_pattern_mismatch"),
    ({"access": ["hearing", "hearing"]}, "/access", "repeated"),
    ({"access": ["step_free"]}, "/access/0", "literal_error"),
    ({"faith_sensitive": "yes"}, "/faith_sensitive", "bool_type"),
    ({"supervisor": "somebody"}, "/supervisor", "uuid_parsing"),
    ({"age_bands": ["25-35"]}, "/age_bands/0", "literal_error"),
    ({"steps": [0]}, "/steps/0", "greater_than_equal"),
    ({"steps": [5]}, "/steps/0", "less_than_equal"),
    ({"steps": ["2"]}, "/steps/0", "int_type"),
    ({"steps": [1, 1]}, "/steps", "repeated"),
    ({"fee": -1}, "/fee", "greater_than_equal"),
    ({"fee": 1_000_001}, "/fee", "less_than_equal"),
    ({"fee": 12.5}, "/fee", "int_type"),
    ({"fee": True}, "/fee", "int_type"),
    ({"weekly_limit": 26}, "/weekly_limit", "out_of_range"),
    ({"weekly_limit": -1}, "/weekly_limit", "greater_than_equal"),
    ({"weekly_limit": 10**18}, "/weekly_limit", "less_than_equal"),
    ({"sites": ["somewhere"]}, "/sites/0", "uuid_parsing"),
    ({"sites": []}, "/sites", "needs_site"),
    ({"sites": [str(uuid4()) for _ in range(21)]}, "/sites", "too_many"),
    ({"register_status": "probably"}, "/register_status", "literal_error"),
    ({"register_status": ...}, "/register_status", "missing"),
    ({"status": "retired"}, "/status", "literal_error"),
    ({"name": "somebody"}, "/name", "unknown_field"),
]


@pytest.mark.parametrize(("changes", "pointer", "code"), WRONG)
async def test_what_is_wrong_is_named_and_nothing_is_written(
    http: httpx2.AsyncClient, office: Office, changes: dict[str, Any], pointer: str, code: str
) -> None:
    answer = await http.put(PATH, content=body(**changes))
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert (pointer, code) in [(field["pointer"], field["code"]) for field in problem["errors"]]
    assert (await http.get(PATH)).status_code == 404
    assert await office.said() == []


@pytest.mark.parametrize(
    ("content", "headers", "path", "status", "code"),
    [
        (b"{", {}, PATH, 400, "broken_json"),
        (b"", {}, PATH, 400, "broken_json"),
        (b"[]", {}, PATH, 422, "invalid_request"),
        (b"x" * 10_000_000, {}, PATH, 413, None),
        (body(), {"content-type": "text/plain"}, PATH, 415, None),
        (body(), {"if-match": "yesterday"}, PATH, 422, "invalid_request"),
        (body(), {"if-match": '"' + "9" * 40 + '"'}, PATH, 422, "invalid_request"),
        (body(), {}, "/v1/therapists/me", 422, "invalid_request"),
        (body(), {"authorization": ""}, PATH, 401, "token_missing"),
        (body(), {"authorization": "Bearer x.y.z"}, PATH, 401, "token_invalid"),
    ],
)
async def test_requests_that_cannot_be_read_are_refused(
    http: httpx2.AsyncClient,
    content: bytes,
    headers: dict[str, str],
    path: str,
    status: int,
    code: str | None,
) -> None:
    answer = await http.put(path, content=content, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert code is None or answer.json()["code"] == code
    assert (await http.get(PATH)).status_code == 404


@pytest.mark.parametrize("role", ["person", "therapist", "partner", "operator"])
async def test_only_coordinators_describe_therapists(http: httpx2.AsyncClient, keys: Path, role: str) -> None:
    headers = {"authorization": f"Bearer {token(keys, role)}"}
    assert (await http.put(PATH, content=body(), headers=headers)).status_code == 403
    assert (await http.get(PATH, headers=headers)).status_code == 403
    assert (await http.get(f"/v1/matches?case_id={ID}", headers=headers)).status_code == 403


async def test_a_supervisor_is_not_told_why_the_case_of_anybody_got_whom_it_got(
    http: httpx2.AsyncClient, keys: Path
) -> None:
    headers = {"authorization": f"Bearer {token(keys, 'supervisor')}"}
    assert (await http.get(f"/v1/matches?case_id={ID}", headers=headers)).status_code == 403


async def test_why_somebody_was_asked_is_explained_to_those_who_coordinate(
    http: httpx2.AsyncClient, office: Office
) -> None:
    place = UUID(EXAMPLE["sites"][0])
    await office.hear(
        know_sites,
        a_site(Site(place, Point(31.56, 74.36), True)),
    )
    await http.put(PATH, content=body())
    case = a_case(modalities=("in_person",))
    await office.hear(office.matchmaker.match_cases, case)
    why = (await http.get(f"/v1/matches?case_id={case.case_id}")).json()
    [attempt] = why["attempts"]
    assert (why["state"], attempt["lane"], attempt["candidates"]) == ("matched", "in_person", [ID])
    assert attempt["left"]["distance"] == 1
    assert set(attempt["points"]) == {
        "wish", "language", "fluency", "specialist", "step_above", "load", "distance",
    }  # fmt: skip
    assert (await http.get(f"/v1/matches?case_id={uuid4()}")).status_code == 404
    assert (await http.get("/v1/matches?case_id=x")).status_code == 422
    assert (await http.get("/v1/matches")).status_code == 422
