"""Choosing in a browser: intake shows the offer, matching decides by the form of the page, intake shows how it ended.

Both services are real, each on its own database and port; what they say is carried from one to the other by hand, so
that a test can look at the page before it has come round.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext

from services.intake import main
from services.intake.api.backlog import Backlog, Limits
from services.intake.api.cards import CardDeck
from services.intake.api.problems import with_card
from services.intake.domain.policy import Policy
from services.intake.handlers.progress import project
from services.intake.pages.choosing import KNOWN, OUTCOMES
from services.intake.pages.entering import CARRIED
from services.intake.settings import Settings
from services.matching.api import choice_forms
from services.matching.handlers.keeping import follow_kept_hours
from services.matching.main import serve
from services.matching.settings import Settings as MatchingSettings
from shared.contracts.intake import CaseSubmitted
from shared.contracts.matching import MatchAccepted, MatchDeclined, MatchOffered
from shared.contracts.scheduling import AppointmentHeld
from shared.web import create_app
from tests.browser.serving import serving
from tests.browser.visitor import Visitor
from tests.intake.conftest import IntakeDatabase
from tests.matching.conftest import Office, matching_dsn, office
from tests.matching.events import kept, released
from tests.matching.examples import POLICY

pytestmark = pytest.mark.browser
__all__ = ["matching_dsn", "office"]
SAID = {"offered": MatchOffered, "accepted": MatchAccepted, "declined": MatchDeclined}


@pytest_asyncio.fixture(loop_scope="session")
async def two(store: IntakeDatabase, secrets: Settings, policy: Policy, office: Office) -> AsyncIterator[str]:
    """Both services, each told where a browser finds the other; the address of the pages."""
    intake = create_app("intake", on_problem=with_card(CardDeck(policy.lines, policy.other_help)))
    matching = create_app("matching")
    async with serving(intake) as pages, serving(matching) as offers:
        known = MatchingSettings(token_public_key_file=secrets.token_public_key_file, intake_url=pages)
        serve(matching, known, POLICY, office.database)
        main.serve_people(
            intake,
            secrets.model_copy(update={"matching_url": offers}),
            policy,
            store.intake,
            Backlog(store.intake, Limits(1000, 60.0)),
        )
        yield pages


@pytest_asyncio.fixture(loop_scope="session")
async def chooser(browser: Browser, contexts: list[BrowserContext], two: str) -> Visitor:
    return await Visitor.arrive(browser, contexts, two, java_script_enabled=False)


@pytest_asyncio.fixture(loop_scope="session")
async def chooser_on_a_phone(browser: Browser, contexts: list[BrowserContext], two: str) -> Visitor:
    screen: dict[str, Any] = {"viewport": {"width": 360, "height": 640}, "is_mobile": True, "has_touch": True}
    return await Visitor.arrive(browser, contexts, two, language="ur", java_script_enabled=False, **screen)


async def offer(visitor: Visitor, store: IntakeDatabase, office: Office) -> tuple[str, str]:
    """Somebody who wishes to choose has asked, and matching has made them an offer that intake has heard of."""
    visitor.wishes["booking_mode"] = "choose"
    code, pin = await visitor.ask()
    case_id = await store.admin.fetchval("SELECT case_id::text FROM intake.cases WHERE case_code = $1", code)
    [submitted] = [s for s in await store.said(case_id) if s.type == CaseSubmitted.type_name]
    await office.hear(office.matchmaker.match_cases, CaseSubmitted.model_validate(submitted.event))
    await carry(store, office, "offered")
    return code, pin


async def carry(store: IntakeDatabase, office: Office, kind: str) -> None:
    """The newest thing that matching said of this kind comes round to intake."""
    said = (await office.said(f"match_{kind}"))[-1]
    event = SAID[kind].model_validate({k: v for k, v in said.items() if k in SAID[kind].model_fields})
    async with store.intake.transaction() as tx:
        await project([event], tx)


async def team(office: Office, count: int = 3) -> None:
    for number in range(1, count + 1):
        await office.describe(
            number, fee=1000 * number, sliding_fee=500, gender="man" if number == 2 else "woman"
        )


async def main_text(visitor: Visitor) -> str:
    return await visitor.page.locator("main").inner_text()


async def test_somebody_chooses_without_script_and_sees_that_it_counts(
    chooser: Visitor, store: IntakeDatabase, office: Office
) -> None:
    await team(office)
    code, pin = await offer(chooser, store, office)
    await chooser.enter("status", code, pin)
    await chooser.picture("offer")
    text = await main_text(chooser)
    assert chooser.t["choice"]["heading"] in text
    for fact in ("A man", "By video", "Urdu, English", "1,000 rupees", "from 500 rupees"):
        assert fact in text
    [said] = await office.said("match_offered")
    second = said["options"][1]
    await chooser.page.locator(f'[name="option_id"][value="{second["option_id"]}"]').check()
    await chooser.press(chooser.t["choice"]["choose"])
    assert chooser.page.url == f"{chooser.site}/en/choice/made"
    text = await main_text(chooser)
    assert chooser.t["choice"]["outcomes"]["made"] in text
    assert chooser.t["states"]["matching"] in text
    assert not await chooser.page.locator("#choice").count()
    await chooser.picture("chosen")
    [accepted] = await office.said("match_accepted")
    assert accepted["option_id"] == second["option_id"]
    [match] = await office.made()
    assert [one["therapist_id"] for one in match["candidates"]] == [second["therapist_id"]]
    await chooser.page.reload()
    assert len(await office.said("match_accepted")) == 1
    await carry(store, office, "accepted")
    await chooser.press(chooser.t["status"]["again"])
    assert chooser.t["states"]["matching"] in await main_text(chooser)
    assert not [one for one in chooser.asked if pin in one or second["option_id"] in one or "?" in one]
    assert all(int(one.headers["content-length"]) < 50_000 for one in chooser.pages())
    assert {one.headers["cache-control"] for one in chooser.pages()} == {"no-store"}
    assert chooser.titles == {"Humqadam"}


async def test_somebody_wants_none_of_them_in_urdu_on_a_phone(
    chooser_on_a_phone: Visitor, store: IntakeDatabase, office: Office
) -> None:
    visitor = chooser_on_a_phone
    await team(office, 6)
    code, pin = await offer(visitor, store, office)
    await visitor.enter("status", code, pin)
    await visitor.picture("offer")
    assert await visitor.page.locator("a.exit").is_visible()
    assert await visitor.page.locator(".card a[href='tel:1122']").is_visible()
    await visitor.press(visitor.t["choice"]["choose"])
    assert visitor.t["choice"]["outcomes"]["none"] in await main_text(visitor)
    assert await visitor.page.locator("#choice").count() == 1
    await visitor.picture("none-chosen")
    await visitor.page.select_option("#reason", "too_expensive")
    await visitor.press(visitor.t["choice"]["decline"])
    assert visitor.t["choice"]["outcomes"]["declined"] in await main_text(visitor)
    assert [one["reason"] for one in await office.said("match_declined")] == ["too_expensive"]
    await carry(store, office, "declined")
    await carry(store, office, "offered")
    await visitor.press(visitor.t["status"]["again"])
    [first, again] = await office.said("match_offered")
    shown = await visitor.page.locator('[name="match_id"]').get_attribute("value")
    assert (again["attempt"], shown) == (2, again["match_id"])
    assert first["match_id"] != shown
    assert [pixels for pixels in [*visitor.wider, await visitor.sideways()] if pixels > 0] == []


async def test_whoever_chooses_one_who_has_gone_chooses_another(
    chooser: Visitor, store: IntakeDatabase, office: Office
) -> None:
    await team(office)
    code, pin = await offer(chooser, store, office)
    [said] = await office.said("match_offered")
    gone = next(n for n in (1, 2, 3) if said["options"][0]["therapist_id"].endswith(str(n)))
    await office.describe(gone, 1, status="left")
    await chooser.enter("status", code, pin)
    await chooser.page.locator("#option-1").check()
    await chooser.press(chooser.t["choice"]["choose"])
    assert chooser.t["choice"]["outcomes"]["gone"] in await main_text(chooser)
    await chooser.picture("gone")
    await chooser.page.locator("#option-2").check()
    await chooser.press(chooser.t["choice"]["choose"])
    assert chooser.t["choice"]["outcomes"]["made"] in await main_text(chooser)


async def keep(store: IntakeDatabase, office: Office, option: int) -> AppointmentHeld:
    """Scheduling keeps an hour with whom this option is, and both services hear of it."""
    [said], [asked] = await office.said("match_offered"), await office.made("offer")
    by = datetime.now(UTC) + timedelta(hours=12)
    start = by.replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    who = UUID(said["options"][option]["therapist_id"]).int
    hour = kept(asked, who, start=start, take_by=by, held_until=by + timedelta(minutes=10))
    await office.hear(follow_kept_hours, hour)
    async with store.intake.transaction() as tx:
        await project([hour], tx)
    return hour


async def test_somebody_takes_the_hour_that_is_kept_for_them_in_urdu_on_a_phone(
    chooser_on_a_phone: Visitor, store: IntakeDatabase, office: Office
) -> None:
    visitor = chooser_on_a_phone
    await team(office)
    office.now["now"] = datetime.now(UTC)
    code, pin = await offer(visitor, store, office)
    hour = await keep(store, office, 1)
    await visitor.enter("status", code, pin)
    await visitor.picture("kept-hour")
    shown = await visitor.page.locator("#choice .kept").all_inner_texts()
    local = hour.start.astimezone(ZoneInfo("Asia/Karachi"))
    assert len(shown) == 1
    assert visitor.t["choice"]["kept"].split("{when}")[0] in shown[0]
    assert f"{local:%H:%M}" in shown[0]
    assert visitor.t["days"][local.weekday()] in shown[0]
    await visitor.page.locator("#option-2").check()
    await visitor.press(visitor.t["choice"]["choose"])
    assert visitor.t["choice"]["outcomes"]["made"] in await main_text(visitor)
    [match] = await office.made()
    assert [UUID(one["therapist_id"]) for one in match["candidates"]] == [hour.therapist_id]
    assert [pixels for pixels in [*visitor.wider, await visitor.sideways()] if pixels > 0] == []


async def test_whose_hour_has_just_gone_is_told_so_and_goes_on_choosing(
    chooser: Visitor, store: IntakeDatabase, office: Office
) -> None:
    await team(office)
    office.now["now"] = datetime.now(UTC)
    code, pin = await offer(chooser, store, office)
    hour = await keep(store, office, 0)
    await chooser.enter("status", code, pin)
    assert await chooser.page.locator("#choice .kept").count() == 1
    await office.hear(follow_kept_hours, released(hour))
    await chooser.page.locator("#option-1").check()
    await chooser.press(chooser.t["choice"]["choose"])
    assert chooser.page.url == f"{chooser.site}/en/choice/hour_gone"
    assert chooser.t["choice"]["outcomes"]["hour_gone"] in await main_text(chooser)
    assert await chooser.page.locator("#choice .kept").count() == 0
    await chooser.picture("hour-gone")
    await chooser.page.locator("#option-1").check()
    await chooser.press(chooser.t["choice"]["choose"])
    assert chooser.t["choice"]["outcomes"]["made"] in await main_text(chooser)
    assert len(await office.made()) == 1


async def test_whoever_has_read_too_long_shows_the_pin_again_and_nothing_is_decided(
    chooser: Visitor, store: IntakeDatabase, office: Office
) -> None:
    await team(office)
    code, pin = await offer(chooser, store, office)
    await chooser.enter("status", code, pin)
    held = chooser.page.locator('#choice [name="token"]')
    await held.evaluate("it => { it.value = it.value.slice(0, -4) + 'AAAA'; }")
    await chooser.page.locator("#option-1").check()
    await chooser.press(chooser.t["choice"]["choose"])
    assert await chooser.page.locator("#pin").is_visible()
    assert await chooser.page.input_value("#case_code") == code
    assert await office.said("match_accepted") == []
    await chooser.page.fill("#pin", pin)
    await chooser.press(chooser.t["status"]["show"])
    assert await chooser.page.locator("#choice").count() == 1


async def test_the_offer_comes_to_the_page_by_itself_where_there_is_script(
    browser: Browser, contexts: list[BrowserContext], two: str, store: IntakeDatabase, office: Office
) -> None:
    await team(office)
    visitor = await Visitor.arrive(browser, contexts, two)
    code, pin = await offer(visitor, store, office)
    await visitor.enter("status", code, pin)
    await visitor.page.locator("#option-3").check()
    await visitor.press(visitor.t["choice"]["choose"])
    await visitor.page.wait_for_url("**/en/choice/made")
    assert len(await office.said("match_accepted")) == 1


def test_both_services_name_the_same_outcomes() -> None:
    assert set(get_args(choice_forms.Outcome)) == set(OUTCOMES)
    assert choice_forms.KNOWN <= KNOWN | CARRIED
