"""The pages below the browser: forms read strictly, words for every code, and the same rules as POST /v1/cases."""

import contextlib
import inspect
import re
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import states
from services.intake.domain.policy import Policy
from services.intake.domain.vocabulary import CHOICES, MINOR
from services.intake.pages.shortcomings import problems_of
from services.intake.pages.standing import said_when
from services.intake.pages.steps import ANSWERS, GROUPS, NOT_ASKED, ORDER, STEPS, request_of
from services.intake.settings.page_words import read_words
from shared.web import Problem, parse_form
from tests.intake.conftest import IntakeDatabase

WORDS = read_words()
KEY = "0123456789abcdef0123456789abcdef"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WHOLE: dict[str, Any] = {
    "key": KEY, "step": "review", "go": "send", "kind": "individual", "modalities": ["video", "in_person"],
    "languages": "ur", "place": "PK-PB|Lahore", "max_fee": "۱۵۰۰", "therapist_gender": "woman", "must": "yes", "channel": "sms", "phone": "0399 1234567",
    "owner": "own", "message_language": "ur", "care": "yes", "contact_consent": "yes", "text_version": "2026-01",
    "times": ["weekday_evening", "weekend_morning"], "safe": "weekday_morning",
}  # fmt: skip


async def post(people: httpx2.AsyncClient, path: str, fields: dict[str, Any]) -> httpx2.Response:
    return await people.post(path, content=urlencode(fields, doseq=True), headers=FORM)


def shape(part: Any, path: str = "") -> set[str]:
    """The places of a file at which there is a text."""
    if not isinstance(part, dict):
        return {path}
    return {place for name, inner in part.items() for place in shape(inner, f"{path}/{name}")}


def test_every_language_says_everything_that_another_one_says() -> None:
    shapes = {tag: {p for p in shape(w.texts) if not p.startswith("/cities")} for tag, w in WORDS.items()}
    assert shapes["en"] == shapes["ur"]
    for words in WORDS.values():
        assert set(words.consent) == {"limits", "care", "contact"}


def test_every_city_has_its_name_in_urdu(policy: Policy) -> None:
    assert {city.name for city in policy.places.cities.values()} <= set(WORDS["ur"].texts["cities"])


def test_every_field_of_codes_is_called_as_everywhere_else(policy: Policy) -> None:
    assert set(GROUPS.values()) <= {*policy.titles, "times", "written"}


def test_no_title_and_no_address_tells_what_the_pages_are_for() -> None:
    telling = re.compile(r"mental|psych|therap|counsel|depress|anxi|health", re.IGNORECASE)
    assert not [place for place in (*STEPS, *ORDER) if telling.search(place)]


def test_what_stands_for_steps_not_asked_yet_is_never_refused(policy: Policy) -> None:
    assert problems_of(policy, request_of({}, [], "en", WORDS["en"].consent_version)) == ()
    assert {*NOT_ASKED, "consent"} == set(STEPS)


@pytest.mark.parametrize("language", ["en", "ur"])
def test_every_way_a_case_can_stand_has_words(language: str) -> None:
    texts, source = WORDS[language].texts, inspect.getsource(states)
    found = re.findall(r'Standing\(\s*"(\w+)", "(\w+)"', source)
    assert {state for state, _ in found} <= set(texts["states"])
    assert {who for _, who in found} <= {*texts["waiting"], "nobody"}
    steps = set(re.findall(r'"((?:wait|ask|expect|attend|look|choose|try)(?:_\w+)?)"', source))
    assert len(steps) >= 7
    assert steps <= {*texts["next_steps"]}


async def test_a_whole_form_is_a_case_with_all_that_it_says(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    answer = await post(people, "/ur/steps", WHOLE)
    assert answer.status_code == 200
    found = re.search(r'id="code">(\w{10})<', answer.text)
    assert found
    row = await store.admin.fetchrow(
        "SELECT needs::text, card_language FROM intake.cases WHERE case_code = $1", found[1]
    )
    assert '"max_fee": 1500' in row["needs"]
    assert '"city": "Lahore"' in row["needs"]
    assert '"therapist_gender": {"must": true, "wish": "woman"}' in row["needs"]
    assert row["card_language"] == "ur"


WRITTEN = "SELECT t.language, t.script FROM intake.cases c JOIN intake.contacts t USING (person_id) WHERE case_code = $1"


@pytest.mark.parametrize("page", ["en", "ur"])
@pytest.mark.parametrize(
    ("chosen", "written"),
    [("ur", ("ur", "Arab")), ("ur-Latn", ("ur", "Latn")), ("en", ("en", "Latn")), (None, ("en", "Latn"))],
)
async def test_messages_are_wished_for_in_the_letters_that_were_chosen_whatever_the_page_is_in(
    people: httpx2.AsyncClient, store: IntakeDatabase, page: str, chosen: str | None, written: tuple[str, str]
) -> None:
    fields = {**WHOLE, "key": token_hex(16), "message_language": chosen}
    answer = await post(people, f"/{page}/steps", {name: said for name, said in fields.items() if said})
    found = re.search(r'id="code">(\w{10})<', answer.text)
    assert found
    assert tuple(await store.admin.fetchrow(WRITTEN, found[1])) == written


@pytest.mark.parametrize("chosen", ["ur-Deva", "en-Arab", "xx", "-Arab"])
async def test_letters_that_nobody_writes_are_told_at_their_question(
    people: httpx2.AsyncClient, store: IntakeDatabase, chosen: str
) -> None:
    before = await store.rows()
    answer = await post(people, "/en/steps", {**WHOLE, "key": token_hex(16), "message_language": chosen})
    assert (answer.status_code, 'id="message_language-error"' in answer.text) == (422, True)
    assert await store.rows() == before


async def test_an_invited_guardian_is_written_to_in_the_same_letters(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    young = {"key": token_hex(16), "age_band": MINOR, "guardian_phone": "0399 7654321"}
    answer = await post(people, "/ur/steps", WHOLE | young)
    found = re.search(r'id="code">(\w{10})<', answer.text)
    assert found
    written = await store.admin.fetchrow(
        "SELECT t.language, t.script FROM intake.cases c JOIN intake.attendees a USING (case_id)"
        " JOIN intake.contacts t ON t.person_id = a.person_id WHERE c.case_code = $1",
        found[1],
    )
    assert tuple(written) == ("ur", "Arab")


async def test_a_couple_is_shown_a_code_and_a_pin_for_the_other_one(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    key = "fedcba9876543210fedcba9876543210"
    answer = await post(people, "/en/steps", WHOLE | {"kind": "couple", "key": key})
    assert answer.status_code == 200
    shown = re.findall(r'<bdi dir="ltr"(?: id="\w+")?>(\w+)<', answer.text)
    code, secret = shown[2:4]
    row = await store.admin.fetchrow("SELECT role, consent FROM intake.attendees WHERE code = $1", code)
    assert tuple(row) == ("partner", "pending")
    assert (await people.get("/ur/invitation")).status_code == 200
    gate = "SELECT gate FROM intake.cases JOIN intake.attendees USING (case_id) WHERE code = $1"
    for fields, status, then in (
        ({"go": "accept", "pin": "nonsense"}, 401, "waits_for_consent"),
        ({"pin": secret}, 400, "waits_for_consent"),
        ({"go": "accept", "pin": secret, "contact_consent": "yes"}, 200, "open"),
        ({"go": "decline", "pin": secret}, 200, "waits_for_consent"),
    ):
        answer = await post(people, "/ur/invitation", {"case_code": code} | fields)
        assert (answer.status_code, await store.admin.fetchval(gate, code)) == (status, then)
        assert "1122" in answer.text


async def test_a_young_person_can_say_whom_to_ask(people: httpx2.AsyncClient, store: IntakeDatabase) -> None:
    fields = WHOLE | {"key": token_hex(16), "age_band": MINOR, "guardian_phone": "0399 7654321"}
    answer = await post(people, "/ur/steps", fields)
    found = re.search(r'id="code">(\w{10})<', answer.text)
    assert found
    case = "FROM intake.attendees a JOIN intake.cases c USING (case_id) WHERE c.case_code = $1"
    role, consent, code = await store.admin.fetchrow(f"SELECT role, consent, a.code {case}", found[1])
    assert (role, consent) == ("guardian", "invited")
    assert code not in answer.text  # it goes to the guardian alone
    sent = "SELECT count(*) FROM intake.outbox WHERE topic = 'intake.invitations' AND key = a.person_id::text"
    assert await store.admin.fetchval(f"SELECT ({sent}) {case}", found[1]) == 1


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, ["look for somebody"]),
        ({"kind": "couple"}, ["takes part has to agree"]),
        ({"age_band": MINOR}, ["guardian has to agree", "no number of theirs"]),
        (
            {"age_band": MINOR, "guardian_phone": "0399 7654321"},
            ["guardian has to agree", '<bdi dir="ltr">/en/invitation</bdi>'],
        ),
    ],
)
async def test_nobody_is_told_that_we_search_while_somebody_has_to_agree_first(
    people: httpx2.AsyncClient, said: dict[str, str], told: list[str]
) -> None:
    page = (await post(people, "/en/steps", WHOLE | {"key": token_hex(16)} | said)).text
    assert [words for words in told if words not in page] == []
    assert ("look for somebody" in page) is (not said)


@pytest.mark.parametrize(
    ("number", "wrong"), [("0399 1234567", "your own number"), ("12", "must be a Pakistani mobile number")]
)
async def test_a_number_that_reaches_no_guardian_comes_back_to_its_field(
    people: httpx2.AsyncClient, number: str, wrong: str
) -> None:
    fields = WHOLE | {"key": token_hex(16), "age_band": MINOR, "guardian_phone": number}
    page = (await post(people, "/en/steps", fields)).text
    assert wrong in page.partition('id="guardian_phone-error"')[2].partition("</p>")[0]


async def test_only_the_young_are_asked_whom_else_to_ask(people: httpx2.AsyncClient) -> None:
    for age_band, asked in ((MINOR, True), ("18-24", False)):
        fields = WHOLE | {"key": token_hex(16), "age_band": age_band, "step": "questions", "go": "next"}
        assert ('id="guardian_phone"' in (await post(people, "/en/steps", fields)).text) is asked


@pytest.mark.parametrize("kind", CHOICES["kinds"])
@pytest.mark.parametrize("age_band", CHOICES["age_bands"])
async def test_a_request_for_anybody_can_be_made(
    people: httpx2.AsyncClient, kind: str, age_band: str
) -> None:
    fields = WHOLE | {"key": token_hex(16), "kind": kind, "age_band": age_band}
    assert 'id="pin"' in (await post(people, "/en/steps", fields)).text


async def test_every_page_is_below_fifty_kilobytes(people: httpx2.AsyncClient) -> None:
    for language in WORDS:
        for step in STEPS:
            page = await post(people, f"/{language}/steps", WHOLE | {"step": step, "go": "stay"})
            assert page.status_code == 200
            assert 1_000 < len(page.content) < 50_000, step
    css = re.search(r'href="(/files/page-[0-9a-f]+\.css)"', page.text)
    assert css
    assert len((await people.get(css[1])).content) < 20_000


@pytest.mark.parametrize(
    "wrong",
    [{"key": "short"}, {"step": "nowhere"}, {"unknown": "1"}, {"kind": ["individual", "couple"]}, {"phone": "9" * 501}],
    ids=str,
)  # fmt: skip
async def test_what_no_form_of_ours_sends_is_refused_with_a_page_and_numbers_to_call(
    people: httpx2.AsyncClient, store: IntakeDatabase, wrong: dict[str, Any]
) -> None:
    before = await store.rows()
    answer = await post(people, "/en/steps", WHOLE | wrong)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")
    assert "tel:1122" in answer.text
    assert await store.rows() == before


async def test_a_code_that_is_not_offered_comes_back_to_its_step(people: httpx2.AsyncClient) -> None:
    answer = await post(people, "/en/steps", WHOLE | {"modalities": "letter"})
    assert answer.status_code == 422
    assert 'name="step" value="how"' in answer.text
    assert WORDS["en"].texts["errors"]["modalities"] in answer.text


async def test_forms_are_read_where_forms_are_expected_and_json_everywhere_else(
    people: httpx2.AsyncClient,
) -> None:
    assert (await people.post("/en/steps", json={"key": KEY})).status_code == 415
    form = await post(people, "/v1/cases", WHOLE)
    assert form.status_code == 415


async def test_what_is_typed_is_shown_as_text_and_never_as_markup(people: httpx2.AsyncClient) -> None:
    evil = '"><script>alert(1)</script>'
    answer = await post(people, "/en/steps", WHOLE | {"phone": evil})
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text


async def test_the_first_page_is_in_the_language_the_browser_asks_for(people: httpx2.AsyncClient) -> None:
    for asked, place in {"ur-PK,en;q=0.8": "/ur/", "de,en;q=0.5": "/en/", "": "/en/"}.items():
        answer = await people.get("/", headers={"Accept-Language": asked})
        assert (answer.status_code, answer.headers["location"]) == (303, place)


async def test_a_wrong_pin_and_an_unknown_code_are_told_alike(people: httpx2.AsyncClient) -> None:
    made = (await post(people, "/en/steps", WHOLE | {"key": "f" * 32})).text
    code = re.findall(r'id="code">(\w+)<', made)[0]
    told = [
        (await post(people, "/en/status", {"case_code": one, "pin": "000000"})) for one in (code, "nobody")
    ]
    assert {answer.status_code for answer in told} == {401}
    for answer in told:
        assert WORDS["en"].texts["errors"]["wrong_code_or_pin"] in answer.text


def test_an_hour_is_said_by_the_clock_of_the_country() -> None:
    moment = datetime(2026, 11, 26, 20, 30, tzinfo=UTC)
    assert said_when(WORDS["en"].texts, moment) == "Friday, 27 November, 01:30"
    assert said_when(WORDS["ur"].texts, moment) == "جمعہ، 27 نومبر، 01:30"


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reading_of_a_form(body: bytes) -> None:
    with contextlib.suppress(Problem):
        assert set(parse_form(body, ANSWERS)) <= set(ANSWERS)


@given(
    st.dictionaries(st.sampled_from(sorted(ANSWERS)), st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20), min_size=1, max_size=3))
)  # fmt: skip
def test_a_form_says_what_was_put_into_it(fields: dict[str, list[str]]) -> None:
    read = parse_form(urlencode(fields, doseq=True).encode(), ANSWERS)
    assert read == {name: tuple(values) for name, values in fields.items()}
