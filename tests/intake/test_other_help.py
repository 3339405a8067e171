"""Other help while somebody waits: named in the person's words, with what to do next, and with no number that nobody called."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio

from services.intake import roles
from services.intake.api.backlog import Backlog
from services.intake.domain.crisis import Line
from services.intake.domain.other_help import LANGUAGES, described
from services.intake.domain.policy import InconsistentPolicyError, Policy, checked
from services.intake.settings import Settings
from shared.contracts.told import ALTERNATIVES
from tests.intake.conftest import IntakeDatabase, _app, _client
from tests.intake.test_asking import ask, asking
from tests.intake.test_offers import other_help
from tests.intake.test_over_http import case_id_of
from tests.intake.test_pages import post
from tests.intake.test_progress import hear, match_made, waitlisted

CALLED = datetime.now(UTC).date() - timedelta(days=3)
LISTENING = Line(
    "listening", {"en": "Listening line", "ur": "سننے والے"}, "0399000111", "2", ("ur",), frozenset({"PK-PB"}),
    None, "verified", True, CALLED, 90,
)  # fmt: skip
ASLEEP = replace(LISTENING, id="asleep", dial="0399000222", hours=())
ELSEWHERE = replace(LISTENING, id="elsewhere", dial="0399000333", provinces=frozenset({"PK-SD"}))
NEVER_CALLED = replace(LISTENING, id="unchecked", dial="0399000444", verified_on=None)
LETTERS = {"en": ("en", "Latn"), "ur": ("ur", "Arab"), "ur-Latn": ("ur", "Latn")}


@pytest.fixture(scope="session")
def with_lines(policy: Policy) -> Policy:
    """The policy of somebody who has dialled a few lines."""
    lines = (ASLEEP, LISTENING, ELSEWHERE, NEVER_CALLED, *policy.lines.lines)
    return replace(policy, lines=replace(policy.lines, lines=lines))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def callers(
    store: IntakeDatabase, secrets: Settings, with_lines: Policy, backlog: Backlog
) -> AsyncIterator[httpx2.AsyncClient]:
    """The api role's routes by that policy."""
    app = _app(with_lines)
    roles.serve_people(app, secrets, with_lines, store.intake, backlog)
    async with _client(app) as client:
        yield client


class Waiting:
    """Somebody on the list who was offered this kind of help."""

    def __init__(self, people: httpx2.AsyncClient, asked: dict[str, Any]) -> None:
        self._people, self._asked = people, asked

    async def status(self) -> dict[str, Any]:
        session = await self._people.post("/v1/sessions", json=self._code)
        headers = {"Authorization": f"Bearer {session.json()['token']}"}
        answer = await self._people.get(self._asked["status_url"], headers=headers)
        assert answer.status_code == 200
        return dict(answer.json())

    async def page(self, language: str) -> str:
        answer = await post(self._people, f"/{language}/status", self._code)
        assert answer.status_code == 200
        return unescape(answer.text.partition('id="standing"')[2].partition("</div>")[0])

    @property
    def _code(self) -> dict[str, str]:
        return {name: self._asked[name] for name in ("case_code", "pin")}


async def waits(
    people: httpx2.AsyncClient, store: IntakeDatabase, kind: str, language: str = "en"
) -> tuple[Waiting, UUID]:
    body = asking()
    spoken, script = LETTERS[language]
    body["contact"] = body["contact"] | {"language": spoken, "script": script}
    asked = (await ask(people, body)).json()
    case_id = await case_id_of(store, asked["status_url"])
    await hear(store, waitlisted(case_id, 1), other_help(case_id, 1, kind))
    return Waiting(people, asked), case_id


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("kind", [kind for kind in ALTERNATIVES if kind != "helpline"])
async def test_whoever_is_offered_other_help_is_told_in_their_language_what_it_is_and_what_to_do(
    people: httpx2.AsyncClient, store: IntakeDatabase, policy: Policy, kind: str, language: str
) -> None:
    waiting, _ = await waits(people, store, kind, language)
    words = policy.other_help.kinds[kind]
    body = await waiting.status()
    assert (body["state"], body["next_step"]) == ("waitlisted", "try_alternative")
    assert body["alternative"] == {
        "kind": kind,
        "lang": language,
        "title": words.title[language],
        "about": words.about[language],
        "next": words.next[language],
        "lines": [],
    }
    assert "lines" not in body["links"]


@pytest.mark.parametrize("language", ["en", "ur"])
@pytest.mark.parametrize("kind", ALTERNATIVES)
async def test_the_page_names_the_other_help_in_its_own_language(
    callers: httpx2.AsyncClient, store: IntakeDatabase, policy: Policy, kind: str, language: str
) -> None:
    waiting, _ = await waits(callers, store, kind)
    page = await waiting.page(language)
    for texts in policy.other_help.kinds[kind].texts:
        assert texts[language] in page
    assert ("0399000111" in page) == (kind == "helpline")


async def test_a_helpline_comes_with_the_verified_lines_of_the_card_and_no_others(
    callers: httpx2.AsyncClient, store: IntakeDatabase, policy: Policy
) -> None:
    waiting, _ = await waits(callers, store, "helpline", "ur")
    body = await waiting.status()
    lines = body["alternative"]["lines"]
    assert [(one["id"], one["name"], one["dial"], one["open_now"]) for one in lines] == [
        ("listening", "سننے والے", "0399000111", True),
        ("asleep", "سننے والے", "0399000222", False),
    ]
    assert body["alternative"]["next"] == policy.other_help.kinds["helpline"].next["ur"]
    card = (await callers.get(body["links"]["lines"])).json()["crisis"]["lines"]
    assert [one for one in card if one["trust"] == "verified"] == lines


async def test_the_page_shows_the_lines_that_can_be_called_and_which_are_closed_now(
    callers: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    waiting, _ = await waits(callers, store, "helpline")
    page = await waiting.page("en")
    assert page.index('href="tel:0399000111"') < page.index('href="tel:0399000222"')
    assert page.count("not open just now") == 1
    assert "0399000333" not in page
    assert "0399000444" not in page
    assert "1122" not in page  # an emergency number is no line to speak with


@pytest.mark.parametrize("language", ["en", "ur"])
async def test_where_no_line_is_verified_the_person_is_told_so_and_no_number_is_made_up(
    people: httpx2.AsyncClient, store: IntakeDatabase, policy: Policy, language: str
) -> None:
    waiting, _ = await waits(people, store, "helpline", language)
    told = policy.other_help.without_lines[language]
    alternative = (await waiting.status())["alternative"]
    assert (alternative["next"], alternative["lines"]) == (told, [])
    page = await waiting.page(language)
    assert told in page
    assert "tel:" not in page


async def test_other_help_is_not_named_to_whoever_waits_no_more(
    people: httpx2.AsyncClient, store: IntakeDatabase, policy: Policy
) -> None:
    waiting, case_id = await waits(people, store, "family_doctor")
    await hear(store, match_made(case_id, 2))
    assert (await waiting.status())["alternative"] is None
    assert policy.other_help.kinds["family_doctor"].title["en"] not in await waiting.page("en")


def test_a_kind_that_has_no_words_yet_is_named_by_its_code_alone(policy: Policy) -> None:
    assert described(policy.other_help, "walk", "en", []) == {"kind": "walk"}


def test_a_language_without_words_is_answered_in_english(policy: Policy) -> None:
    said = described(policy.other_help, "self_help", "sd", [])
    assert (said["lang"], said["title"]) == ("en", policy.other_help.kinds["self_help"].title["en"])


def test_a_text_that_is_missing_in_a_language_stops_the_start(policy: Policy) -> None:
    lacking = replace(policy.other_help, without_lines={"en": "Nothing."})
    with pytest.raises(InconsistentPolicyError):
        checked(replace(policy, other_help=lacking))
