"""Coming back in a browser to change one's mind: what one wishes for, or the whole request. No script is needed."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.browser.visitor import Visitor
from tests.intake.conftest import IntakeDatabase

pytestmark = pytest.mark.browser
NEEDS = "SELECT needs::text FROM intake.cases WHERE case_code = $1"
TAKEN_BACK = (
    "SELECT w.reason FROM intake.withdrawals w JOIN intake.cases USING (case_id) WHERE case_code = $1"
)
PAUSED = "SELECT paused_for FROM intake.cases WHERE case_code = $1"
# As a case stands of which a human has closed the alarm of a call for help.
CALLED_ONLY = """
WITH gone AS (DELETE FROM intake.consents k USING intake.cases c WHERE k.case_id = c.case_id AND case_code = $1)
UPDATE intake.cases SET gate = 'waits_for_human', paused_for = 'not_asked_yet' WHERE case_code = $1
"""
STOPPED = """
SELECT count(*) FROM intake.outbox o JOIN intake.cases c ON o.key = c.person_id::text
WHERE c.case_code = $1 AND o.type = 'intake.contact_stopped.v1'
"""


async def test_somebody_reads_what_taking_back_means_and_then_does_it(
    plain_visitor: Visitor, store: IntakeDatabase
) -> None:
    code, pin = await plain_visitor.ask()
    await plain_visitor.enter("status", code, pin)
    await plain_visitor.press(plain_visitor.t["withdraw"]["open"])
    await plain_visitor.on("withdraw")
    await plain_visitor.picture("withdraw")
    assert await store.admin.fetchval(TAKEN_BACK, code) is None
    await plain_visitor.press(plain_visitor.t["withdraw"]["stay"])
    await plain_visitor.on("status")
    await plain_visitor.press(plain_visitor.t["withdraw"]["open"])
    await plain_visitor.page.select_option("#reason", "found_other_help")
    await plain_visitor.choose("stop_contact", "yes")
    await plain_visitor.press(plain_visitor.t["withdraw"]["confirm"])
    await plain_visitor.on("status")
    text = await plain_visitor.page.locator("main").inner_text()
    assert plain_visitor.t["withdraw"]["done_quietly"] in text
    assert plain_visitor.t["states"]["closed"] in text
    assert plain_visitor.t["withdraw"]["open"] not in text
    await plain_visitor.picture("withdrawn")
    assert await store.admin.fetchval(TAKEN_BACK, code) == "found_other_help"
    assert await store.admin.fetchval(STOPPED, code) == 1
    await plain_visitor.page.reload()
    assert await store.admin.fetchval(STOPPED, code) == 1


async def test_taking_back_can_be_come_to_directly_in_urdu_on_a_phone(
    phone: Visitor, store: IntakeDatabase
) -> None:
    code, pin = await phone.ask()
    await phone.enter("withdraw", code, pin)
    await phone.on("withdraw")
    await phone.picture("withdraw")
    assert await phone.page.locator("a.exit").is_visible()
    assert await phone.page.locator(".card a[href='tel:1122']").is_visible()
    await phone.press(phone.t["withdraw"]["confirm"])
    assert phone.t["withdraw"]["done"] in await phone.page.locator("main").inner_text()
    await phone.picture("withdrawn")
    assert [pixels for pixels in [*phone.wider, await phone.sideways()] if pixels > 0] == []
    assert await store.admin.fetchval(TAKEN_BACK, code) == "not_said"
    assert not [address for address in phone.asked if pin in address or "?" in address]


@pytest.mark.parametrize("page", ["withdraw", "wishes", "reach", "pause", "resume"])
async def test_nobody_without_the_pin_comes_to_these_pages(
    plain_visitor: Visitor, store: IntakeDatabase, page: str
) -> None:
    code, pin = await plain_visitor.ask()
    await plain_visitor.enter(page, code, f"{(int(pin) + 1) % 1_000_000:06d}")
    told = await plain_visitor.page.locator("#case_code-error").inner_text()
    assert told == plain_visitor.t["errors"]["wrong_code_or_pin"]
    assert await plain_visitor.page.locator("h1").inner_text() == plain_visitor.t[page]["heading"]
    assert await store.admin.fetchval(TAKEN_BACK, code) is None


async def test_a_wish_is_changed_and_the_others_stay(plain_visitor: Visitor, store: IntakeDatabase) -> None:
    code, pin = await plain_visitor.ask()
    before = await store.admin.fetchval(NEEDS, code)
    await plain_visitor.enter("status", code, pin)
    await plain_visitor.press(plain_visitor.t["wishes"]["heading"])
    await plain_visitor.on("wishes")
    await plain_visitor.picture("wishes")
    page = plain_visitor.page
    assert await page.locator('[name="modalities"][value="video"]').is_checked()
    assert await page.locator('[name="times"][value="weekday_evening"]').is_checked()
    assert await page.input_value("#place") == "PK-PB|Lahore"
    assert await page.locator("#place option").count() > 3
    assert not await page.locator('#place option[value^="PK-SD"]').count()
    await plain_visitor.choose("booking_mode", "choose")
    await page.fill("#max_fee", "a lot")
    await plain_visitor.press(plain_visitor.t["wishes"]["save"])
    assert await page.locator("#max_fee-error").inner_text() == plain_visitor.t["errors"]["max_fee"]
    await page.fill("#max_fee", "۱۵۰۰")
    await plain_visitor.press(plain_visitor.t["wishes"]["save"])
    await plain_visitor.on("status")
    assert all(int(one.headers["content-length"]) < 50_000 for one in plain_visitor.pages())
    assert {one.headers["cache-control"] for one in plain_visitor.pages()} == {"no-store"}
    assert plain_visitor.t["wishes"]["saved"] in await page.locator("main").inner_text()
    after = await store.admin.fetchval(NEEDS, code)
    changed = before.replace('"booking_mode": "auto"', '"booking_mode": "choose"')
    assert after == changed.replace('"max_fee": null', '"max_fee": 1500')
    assert after != before


async def test_a_change_of_what_has_changed_meanwhile_is_looked_at_again(
    phone: Visitor, store: IntakeDatabase
) -> None:
    code, pin = await phone.ask()
    await phone.enter("wishes", code, pin)
    await phone.on("wishes")
    await phone.picture("wishes")
    first = await phone.page.content()
    await phone.choose("modalities", "in_person")
    await phone.press(phone.t["wishes"]["save"])
    await phone.on("status")
    assert "in_person" in await store.admin.fetchval(NEEDS, code)
    assert 'name="version"' in first
    await phone.go_back()
    await phone.on("wishes")
    await phone.page.evaluate("document.querySelector('[name=version]').value = '1'")
    await phone.page.locator('[name="modalities"][value="in_person"]').uncheck()
    await phone.press(phone.t["wishes"]["save"])
    await phone.on("wishes")
    assert phone.t["wishes"]["meanwhile"] in await phone.page.locator("main").inner_text()
    assert "in_person" in await store.admin.fetchval(NEEDS, code)


async def test_somebody_who_is_away_lets_the_request_wait_and_go_on_again(
    plain_visitor: Visitor, store: IntakeDatabase
) -> None:
    code, pin = await plain_visitor.ask()
    await plain_visitor.enter("status", code, pin)
    page, t = plain_visitor.page, plain_visitor.t
    await plain_visitor.press(t["pause"]["open"])
    await plain_visitor.on("pause")
    await page.fill("#until", "2020-01-01")
    await plain_visitor.press(t["pause"]["confirm"])
    assert await page.locator("#until-error").inner_text() == t["errors"]["over_already"]
    day = datetime.now(UTC).date() + timedelta(days=30)
    await page.fill("#until", day.isoformat())
    await plain_visitor.picture("pause")
    await plain_visitor.press(t["pause"]["confirm"])
    await plain_visitor.on("status")
    text = await page.locator("main").inner_text()
    assert t["pause"]["done"] in text
    assert t["pauses"]["on_request"] in text
    assert t["next_steps"]["let_us_go_on"] in text
    assert t["waiting"]["person"] not in text
    assert f"{day.day} {t['months'][day.month - 1]}" in text
    await plain_visitor.picture("paused")
    assert await store.admin.fetchval(PAUSED, code) == "on_request"
    await plain_visitor.press(t["resume"]["confirm"])
    text = await page.locator("main").inner_text()
    assert t["resume"]["done"] in text
    assert t["states"]["matching"] in text
    assert await store.admin.fetchval(PAUSED, code) is None


async def test_whoever_only_called_for_help_agrees_on_the_page_before_somebody_is_looked_for(
    phone: Visitor, store: IntakeDatabase
) -> None:
    code, pin = await phone.ask()
    await store.admin.execute(CALLED_ONLY, code)
    await phone.enter("resume", code, pin)
    await phone.press(phone.t["resume"]["confirm"])
    assert await phone.page.locator("#care-error").inner_text() == phone.t["errors"]["care"]
    await phone.choose("care", "yes")
    await phone.choose("contact_consent", "yes")
    await phone.picture("resume")
    await phone.press(phone.t["resume"]["confirm"])
    assert phone.t["states"]["matching"] in await phone.page.locator("main").inner_text()
    assert [pixels for pixels in [*phone.wider, await phone.sideways()] if pixels > 0] == []
