"""Who may do what: what a route declares is what it does, for every role, for own and foreign, for nobody known."""

import re
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts
from jsonschema import Draft202012Validator

from deploy import authorization
from deploy.applications import APPLICATIONS, descriptions
from shared.contracts.roles import ROLES
from shared.web.openapi import PROBLEM
from tests.authorization.asking import Operation, ask, operations
from tests.authorization.conftest import ORGANISATIONS, Stage

SERVICES = Path(__file__).parents[2] / "services"
# What needs no description: the descriptions themselves, and the pages that people fill in without a script.
DESK = {
    "/desk": "GET",
    "/desk/alarms/{alarm_id}": "GET",
    "/desk/sign-in": "POST",
    "/desk/sign-out": "POST",
    "/desk/act": "POST",
}
CHOICE = "/v1/matches/choice"  # where a page's form is posted to; the token is in it
# The console's pages, and who may look at each.
LISTS = ("coordinator", "duty_clinician", "clinic_desk", "supervisor", "operator")
JOURNEYS = ("operator", "coordinator")
STAFF_PAGES = {
    "/tasks": ("GET", LISTS),
    "/tasks/act": ("POST", LISTS),
    "/tasks/{task_id}/call": ("GET", ("coordinator", "duty_clinician")),
    "/tasks/sign-in": ("POST", LISTS),
    "/tasks/sign-out": ("POST", LISTS),
    "/journeys": ("GET", JOURNEYS),
    "/journeys/{case}": ("GET", JOURNEYS),
}
PAGES = re.compile(r"/(openapi\.json|docs(/files)?|(en|ur)/.*|files/.*)?$")
UNKNOWN = ("signature_missing", "token_missing", "token_invalid", "token_expired")

DECLARED = [one for one in operations() if one.who is not None]
GUARDED = [one for one in DECLARED if one.who != "public"]
PUBLIC = [one for one in DECLARED if one.who == "public"]
FOR_ROLES = [one for one in DECLARED if not isinstance(one.who, str)]


def test_every_route_says_who_may_call_it() -> None:
    silent = [str(one) for one in operations() if one.who is None]
    assert silent == [], "name the callers with `allowed(...)`, or say PUBLIC (shared/web/access.py)"


def test_every_role_that_is_named_is_a_role() -> None:
    assert {role for one in FOR_ROLES for role in one.who} <= set(ROLES)


def test_every_service_with_routes_is_in_the_matrix() -> None:
    served = {
        f"services/{p.relative_to(SERVICES)}".split("/")[1]
        for p in SERVICES.rglob("*.py")
        if "APIRouter(" in p.read_text()
    }
    assert served == {name.partition("-")[0] for name in APPLICATIONS}


async def test_whatever_is_not_described_is_a_page_for_everybody_or_the_desk(stage: Stage) -> None:
    hidden = {
        str(route.path)
        for app in stage.apps.values()
        for route in iter_route_contexts(app.routes)
        if not getattr(route, "include_in_schema", False)
    }
    unknown = [
        path for path in sorted(hidden) if not PAGES.match(path) and path not in {*DESK, *STAFF_PAGES, CHOICE}
    ]
    assert unknown == [], "the matrix does not know of these"


@pytest.mark.parametrize("role", [*ROLES, "stranger", "expired", "forged", "none"])
@pytest.mark.parametrize("path", DESK)
async def test_the_duty_desks_pages_are_for_duty_clinicians(path: str, role: str, stage: Stage) -> None:
    operation = next(one for one in GUARDED if one.path == "/v1/alarms/{alarm_id}")
    own, _ = await stage.things(operation)
    nobody = stage.tokens.nobody("duty_clinician")
    token = (nobody.get(role) or ({} if role == "none" else stage.tokens.of(role))).get("Authorization", "")
    token = token.removeprefix("Bearer ")
    answer = await stage.clients[operation.application].request(
        DESK[path],
        path.format_map(own.parameters),
        headers={"Cookie": f"desk={token}"},
        data={"token": token, "act": "take"} if DESK[path] == "POST" else None,
    )
    if role in nobody:
        assert answer.status_code == 401
    elif role != "duty_clinician":
        assert answer.status_code == 403
    elif DESK[path] == "GET":
        assert answer.status_code == 200
    else:
        # A form that does not carry the mark of the page it stands on is nobody's.
        assert answer.status_code == (303 if path == "/desk/sign-in" else 403)


@pytest.mark.parametrize("role", [*ROLES, "stranger", "expired", "forged", "none"])
@pytest.mark.parametrize("path", STAFF_PAGES)
async def test_the_pages_of_the_console_are_for_those_whose_work_they_are(
    path: str, role: str, stage: Stage
) -> None:
    look = next(one for one in GUARDED if one.path == "/v1/journeys/{case}")
    own, _ = await stage.things(look)
    method, roles = STAFF_PAGES[path]
    nobody = stage.tokens.nobody("operator")
    token = (nobody.get(role) or ({} if role == "none" else stage.tokens.of(role))).get("Authorization", "")
    token = token.removeprefix("Bearer ")
    answer = await stage.clients[look.application].request(
        method,
        path.format_map(own.parameters),
        headers={"Cookie": f"console={token}"},
        data={"token": token} if path.endswith("sign-in") else {"act": "claim"} if method == "POST" else None,
    )
    if role in nobody:
        assert answer.status_code == 401
    elif role not in roles:
        assert answer.status_code == 403
    elif path.endswith("/call"):
        assert answer.status_code == 404  # in the task at hand nobody is called
    elif method == "GET":
        assert answer.status_code == 200
    elif path == "/tasks/sign-in":
        assert answer.status_code == 303
    else:
        # A form that this session's page did not make, or of another page, is nobody's.
        assert answer.status_code in (400, 403)


@pytest.mark.parametrize("role", [*ROLES, "stranger", "expired", "forged", "none"])
async def test_the_form_of_a_choice_decides_for_its_person_alone(role: str, stage: Stage) -> None:
    accept = next(one for one in GUARDED if one.path == "/v1/matches/{match_id}/accept")
    own, foreign = [await stage.makers["matching"](organisation) for organisation in ORGANISATIONS]
    known = {} if role == "none" else stage.tokens.of(role, own.claims.get(role))
    token = (
        (stage.tokens.nobody("person").get(role) or known).get("Authorization", "").removeprefix("Bearer ")
    )
    for things in (foreign, own):
        answer = await stage.clients[accept.application].post(
            CHOICE,
            data={"token": token, "go": "decline", "match_id": things.parameters["match_id"]},
            follow_redirects=False,
        )
        decided = role == "person" and things is own
        outcome = "declined" if decided else "again"
        assert (answer.status_code, answer.headers["location"]) == (307, f"/en/choice/{outcome}")


def test_the_page_that_reviewers_read_is_current() -> None:
    assert authorization.PAGE.read_text() == authorization.page(descriptions()), "run `make docs`"


@pytest.mark.parametrize("operation", GUARDED, ids=str)
async def test_nobody_who_is_not_known_comes_in(operation: Operation, stage: Stage) -> None:
    own, _ = await stage.things(operation)
    role = "notifications" if isinstance(operation.who, str) else next(iter(operation.who))
    for how, headers in stage.tokens.nobody(role).items():
        answer = await ask(stage.clients[operation.application], operation, own, headers)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json"), how
        assert "www-authenticate" in answer.headers, how
        assert Draft202012Validator(PROBLEM).is_valid(answer.json()), how
        assert answer.json()["code"] in UNKNOWN, how


@pytest.mark.parametrize("operation", PUBLIC, ids=str)
async def test_where_nobody_is_asked_who_they_are_a_token_changes_nothing(
    operation: Operation, stage: Stage
) -> None:
    own, _ = await stage.things(operation)
    headers = {"": {}, **stage.tokens.nobody("person")}
    answers = [
        await ask(stage.clients[operation.application], operation, own, one) for one in headers.values()
    ]
    assert all(answer.status_code < 500 and answer.status_code != 403 for answer in answers)
    assert not [
        answer for answer in answers if answer.status_code == 401 and answer.json()["code"] in UNKNOWN
    ]


@pytest.mark.parametrize("role", [*ROLES, "stranger", ""])
@pytest.mark.parametrize("operation", GUARDED, ids=str)
async def test_a_role_does_what_is_declared_and_nothing_else(
    operation: Operation, role: str, stage: Stage
) -> None:
    own, foreign = await stage.things(operation)
    client, whose = stage.clients[operation.application], operation.whose(role)
    headers = stage.tokens.for_things(role, own)
    mine = await ask(client, operation, own.seen_by(role), headers)
    theirs = await ask(client, operation, foreign.seen_by(role), headers)
    for refused in (one for one in (mine, theirs) if one.status_code >= 400):
        assert refused.headers["content-type"] == "application/problem+json"
        assert Draft202012Validator(PROBLEM).is_valid(refused.json())
    if isinstance(operation.who, str):
        assert (mine.status_code, theirs.status_code) == (401, 401)
    elif whose is None:
        assert (mine.status_code, theirs.status_code) == (403, 403)
    else:
        _reached(operation, mine.status_code)
        if whose == "all":
            _reached(operation, theirs.status_code)
        elif operation.names_a_thing:
            # A person is not told that somebody else has such a case at all.
            assert theirs.status_code in (
                (404,) if role in ("person", "participant", "guardian") else (403, 404)
            )


@pytest.mark.parametrize("operation", [one for one in GUARDED if one.who == "service"], ids=str)
async def test_a_service_of_ours_comes_in(operation: Operation, stage: Stage) -> None:
    own, _ = await stage.things(operation)
    answer = await ask(
        stage.clients[operation.application], operation, own, stage.tokens.service("notifications")
    )
    assert answer.status_code == 200


def _reached(operation: Operation, status: int) -> None:
    """Whoever may is never told that they may not; what they read is there."""
    if operation.method == "get":
        assert status in (200, 304)
    else:
        assert status not in (401, 403, 404)
        assert status < 500
