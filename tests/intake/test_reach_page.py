"""The page on which people say how they are reached now: two languages, no script, and no address on it."""

import re
from typing import Any

import httpx2
import orjson
import pytest

from tests.intake.conftest import IntakeDatabase
from tests.intake.test_asking import ask, asking
from tests.intake.test_contacting import NEW, let_time_pass, row, said, tell
from tests.intake.test_gates import session_of
from tests.intake.test_pages import WORDS, post


async def known(people: httpx2.AsyncClient) -> tuple[str, dict[str, str], dict[str, str]]:
    """A case's path, what somebody types who holds its code and PIN, and the headers of a session."""
    accepted = (await ask(people, asking())).json()
    typed = {"case_code": accepted["case_code"], "pin": accepted["pin"]}
    return accepted["status_url"], typed, await session_of(people, accepted)


@pytest.mark.parametrize("language", ["en", "ur"])
async def test_the_page_is_found_from_how_the_case_stands_and_asks_for_code_and_pin(
    language: str, people: httpx2.AsyncClient
) -> None:
    path, typed, session = await known(people)
    words = WORDS[language].texts["reach"]
    status = await post(people, f"/{language}/status", typed)
    assert f'formaction="/{language}/reach">{words["heading"]}</button>' in status.text
    door = await people.get(f"/{language}/reach")
    assert 'name="pin"' in door.text
    assert (await post(people, f"/{language}/reach", typed | {"pin": "000000"})).status_code == 401
    await people.post(f"{path}/withdraw", json={}, headers=session)
    assert "/reach" not in (await post(people, f"/{language}/status", typed)).text.partition("<main")[2]


@pytest.mark.parametrize("language", ["en", "ur"])
async def test_the_page_is_small_and_shows_the_way_but_no_address(
    language: str, people: httpx2.AsyncClient
) -> None:
    path, typed, session = await known(people)
    await tell(people, path, session, {"contact": NEW})
    page = await post(people, f"/{language}/reach", typed)
    assert (page.status_code, 1_000 < len(page.content) < 50_000) == (200, True)
    assert WORDS[language].texts["reach"]["confirm"] in page.text
    assert re.search(r'value="whatsapp" checked', page.text)
    assert re.search(r'value="shared" checked', page.text)
    assert "7777777" not in page.text
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("language", ["en", "ur"])
async def test_one_press_confirms_what_is_on_record(
    language: str, people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, typed, _ = await known(people)
    await let_time_pass(store, path)
    before = await row(store, path)
    answer = await post(people, f"/{language}/reach", typed | {"go": "confirm"})
    assert answer.status_code == 200
    assert WORDS[language].texts["reach"]["confirmed"] in answer.text
    after = await row(store, path)
    assert after["confirmed_until"] > after["now"]
    assert (after["box"], after["channel"]) == (before["box"], before["channel"])


FIELDS: dict[str, Any] = {
    "go": "save", "channel": "sms", "phone": "0399 5555555", "owner": "own", "message_language": "ur-Latn",
}  # fmt: skip


async def test_a_number_that_is_written_on_the_page_takes_the_place_of_the_old_one(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, typed, _ = await known(people)
    answer = await post(people, "/en/reach", typed | FIELDS)
    assert WORDS["en"].texts["reach"]["saved"] in answer.text
    kept = await row(store, path)
    assert (kept["channel"], kept["language"], kept["script"], kept["version"]) == ("sms", "ur", "Latn", 2)
    assert (await said(store, kept["person_id"]))[-1]["channels"] == ["sms"]


async def test_times_that_the_page_cannot_show_stay_unless_somebody_touches_them(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, typed, session = await known(people)
    await tell(people, path, session, {"contact": NEW})
    await post(people, "/en/reach", typed | FIELDS)
    narrow = [{"day": 5, "start": 1080, "end": 1200}]
    assert orjson.loads((await row(store, path))["safe_windows"]) == narrow
    await post(people, "/en/reach", typed | FIELDS | {"safe": "weekend_morning"})
    windows = orjson.loads((await row(store, path))["safe_windows"])
    assert windows == [{"day": day, "start": 540, "end": 720} for day in (6, 7)]


async def test_other_ways_that_the_page_cannot_show_stay_while_the_first_one_does(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, typed, session = await known(people)
    await tell(people, path, session, {"contact": NEW | {"channel": "sms", "then": ["call", "inbox"]}})
    await post(people, "/en/reach", typed | FIELDS | {"safe": "weekend_morning"})
    kept = await row(store, path)
    assert (await said(store, kept["person_id"]))[-1]["channels"] == ["sms", "call", "inbox"]
    await post(people, "/en/reach", typed | FIELDS | {"channel": "whatsapp"})
    assert (await said(store, kept["person_id"]))[-1]["channels"] == ["whatsapp"]


@pytest.mark.parametrize(
    ("fields", "field", "wrong"),
    [
        ({"phone": "12"}, "phone", "phone"),
        ({"phone": ""}, "phone", "phone"),
        ({"channel": "email", "email": "x"}, "email", "email"),
        ({"channel": ""}, "channel", "channel"),
        ({"channel": "fax"}, "channel", "channel"),
        ({"owner": "nobody"}, "owner", "otherwise"),
        ({"message_language": "fr"}, "message_language", "otherwise"),
    ],
)
async def test_what_is_wrong_comes_back_at_its_field_and_nothing_is_kept(
    fields: dict[str, str], field: str, wrong: str, people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, typed, _ = await known(people)
    before = await row(store, path)
    answer = await post(people, "/en/reach", typed | FIELDS | fields)
    assert answer.status_code == 422
    told = answer.text.partition(f'id="{field}-error"')[2].partition("</p>")[0]
    assert WORDS["en"].texts["errors"][wrong] in told
    assert (await row(store, path))["box"] == before["box"]


async def test_whoever_did_not_agree_to_messages_is_told_so_at_the_channel(
    people: httpx2.AsyncClient,
) -> None:
    quiet = asking() | {"contact": {"channel": "inbox"}}
    quiet["consent"] = quiet["consent"] | {"contact": False}
    accepted = (await ask(people, quiet)).json()
    typed = {"case_code": accepted["case_code"], "pin": accepted["pin"]}
    shown = await post(people, "/en/reach", typed)
    assert WORDS["en"].texts["reach"]["confirm"] not in shown.text
    answer = await post(people, "/en/reach", typed | FIELDS)
    told = answer.text.partition('id="channel-error"')[2].partition("</p>")[0]
    assert WORDS["en"].texts["errors"]["/contact/channel/consent_needed"] in told


async def test_what_no_form_of_ours_sends_is_no_change(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, typed, _ = await known(people)
    before = await row(store, path)
    answer = await post(people, "/en/reach", typed | FIELDS | {"guardian_phone": "0399 1111111"})
    assert (answer.status_code, (await row(store, path))["box"]) == (400, before["box"])
