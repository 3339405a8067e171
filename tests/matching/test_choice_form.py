"""The form of a page decides as the routes for programs do, and always leads back to the pages with what became of it."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx2
import pytest

from services.matching.main import serve
from services.matching.settings import Settings
from shared import web
from tests.matching.choosing import offered, state_of
from tests.matching.conftest import Office
from tests.matching.examples import LAHORE, NOW, POLICY

PATH = "/v1/matches/choice"
FORM = {"content-type": "application/x-www-form-urlencoded"}


def choice(offer: dict[str, Any], session: Any, option: int = 0, **changes: Any) -> dict[str, Any]:
    """What the page sends when this option is chosen; None takes a field away."""
    token = session(offer["case_id"])["authorization"].removeprefix("Bearer ")
    fields = {
        "case_code": "0123456789",
        "token": token,
        "language": "ur",
        "match_id": offer["match_id"],
        "option_id": offer["options"][option]["option_id"],
        "reason": "rather_not_say",
        "go": "choose",
    } | changes
    return {name: value for name, value in fields.items() if value is not None}


async def send(frontend: httpx2.AsyncClient, fields: dict[str, Any]) -> httpx2.Response:
    return await frontend.post(PATH, content=urlencode(fields), headers=FORM, follow_redirects=False)


async def outcome(frontend: httpx2.AsyncClient, fields: dict[str, Any]) -> str:
    answer = await send(frontend, fields)
    assert (answer.status_code, answer.headers["cache-control"]) == (307, "no-store")
    return str(answer.headers["location"])


async def test_a_choice_is_one_decision_however_often_the_form_is_sent(
    frontend: httpx2.AsyncClient, office: Office, session: Any
) -> None:
    await office.describe(1)
    await office.describe(2)
    offer = await offered(office)
    for _ in range(2):
        assert await outcome(frontend, choice(offer, session)) == "/ur/choice/made"
    assert await outcome(frontend, choice(offer, session, 1)) == "/ur/choice/decided"
    assert (
        await outcome(frontend, choice(offer, session, go="decline", language="en")) == "/en/choice/decided"
    )
    [accepted] = await office.said("match_accepted")
    assert accepted["option_id"] == offer["options"][0]["option_id"]
    assert len(await office.made()) == 1


async def test_none_of_them_is_told_with_the_reason_even_if_one_is_ticked(
    frontend: httpx2.AsyncClient, office: Office, session: Any
) -> None:
    await office.describe(1)
    offer = await offered(office)
    sent = choice(offer, session, go="decline", reason="too_far")
    assert await outcome(frontend, sent) == "/ur/choice/declined"
    assert [one["reason"] for one in await office.said("match_declined")] == ["too_far"]


async def test_what_cannot_be_decided_leads_back_with_why(
    frontend: httpx2.AsyncClient, office: Office, session: Any
) -> None:
    await office.describe(1)
    offer, other = await offered(office), await offered(office)
    assert await outcome(frontend, choice(offer, session, option_id=None)) == "/ur/choice/none"
    assert await outcome(frontend, choice(offer, session, option_id=str(uuid4()))) == "/ur/choice/none"
    assert await outcome(frontend, choice(offer, session, token="nonsense")) == "/ur/choice/again"
    foreign = choice(offer, session, match_id=other["match_id"])
    assert await outcome(frontend, foreign) == "/ur/choice/again"
    await office.describe(1, 1, status="left")
    assert await outcome(frontend, choice(offer, session)) == "/ur/choice/gone"
    assert [await state_of(office, one) for one in (offer, other)] == ["open", "open"]
    office.now["now"] = NOW + timedelta(hours=73)
    assert await outcome(frontend, choice(offer, session)) == "/ur/choice/over"


@pytest.mark.parametrize(
    "wrong",
    [{"go": "perhaps"}, {"match_id": "1"}, {"reason": "I do not like them"}, {"language": "//elsewhere"}, {"note": "x"}],
    ids=str,
)  # fmt: skip
async def test_what_no_page_of_ours_sends_is_refused_and_leads_nowhere(
    frontend: httpx2.AsyncClient, office: Office, session: Any, wrong: dict[str, str]
) -> None:
    await office.describe(1)
    offer = await offered(office)
    answer = await send(frontend, choice(offer, session) | wrong)
    assert (answer.status_code, answer.json()["code"]) == (400, "broken_form")
    assert "location" not in answer.headers
    assert await state_of(office, offer) == "open"


async def test_staff_and_json_decide_nothing_here(
    frontend: httpx2.AsyncClient, office: Office, session: Any
) -> None:
    await office.describe(1)
    offer = await offered(office)
    staff = session(offer["case_id"], "coordinator")["authorization"].removeprefix("Bearer ")
    assert await outcome(frontend, choice(offer, session, token=staff)) == "/ur/choice/again"
    assert (await frontend.post(PATH, json=choice(offer, session))).status_code == 415
    assert await state_of(office, offer) == "open"


async def test_the_way_back_is_the_one_in_the_settings(office: Office, session: Any, signing: Path) -> None:
    await office.describe(1)
    app = web.create_app("matching")
    settings = Settings(token_public_key_file=signing / "public", intake_url="https://pages.example")
    serve(app, settings, POLICY, office.database)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://tests") as client:
        sent = choice(await offered(office), session)
        assert await outcome(client, sent) == "https://pages.example/ur/choice/made"


async def test_an_offer_says_what_helps_to_choose_and_neither_names_nor_wishes(office: Office) -> None:
    await office.know_sites()
    await office.describe(1, modalities=("in_person",), sites=(LAHORE,), fee=1500, sliding_fee=500)
    offer = await offered(office, modalities=("in_person",), city="Lahore")
    [option] = offer["options"]
    facts = {name: option[name] for name in ("gender", "languages", "fee", "sliding_fee", "within_km")}
    assert facts == {
        "gender": "woman",
        "languages": ["ur", "en"],
        "fee": 1500,
        "sliding_fee": 500,
        "within_km": 2,
    }
    assert set(option) - set(facts) == {"option_id", "therapist_id", "site_ids", "modality"}
