"""Looking how a request stands: by itself with script, by a button without, and never with the wrong PIN."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from services.intake.handlers.progress import project
from shared.contracts.matching import CaseWaitlisted
from shared.contracts.scheduling import AppointmentBooked
from tests.browser.visitor import Visitor
from tests.intake.conftest import IntakeDatabase
from tests.intake.test_progress import appointment

pytestmark = pytest.mark.browser


async def case_id_of(store: IntakeDatabase, code: str) -> UUID:
    found: UUID = await store.admin.fetchval("SELECT case_id FROM intake.cases WHERE case_code = $1", code)
    return found


async def waitlist(store: IntakeDatabase, code: str) -> None:
    said = CaseWaitlisted(
        case_id=await case_id_of(store, code),
        person_id=uuid4(),
        attempt=1,
        reason="no_capacity",
        next_review=datetime(2026, 12, 3, 7, 0, tzinfo=UTC),
        waitlisted_at=datetime.now(UTC),
    )
    async with store.intake.transaction() as tx:
        await project([said], tx)


async def test_the_page_follows_a_case_that_moves_by_itself(visitor: Visitor, store: IntakeDatabase) -> None:
    code, _ = await visitor.ask()
    await visitor.press(visitor.t["done"]["look"])
    await visitor.on("status")
    await visitor.page.locator("#live").wait_for(state="visible")
    await waitlist(store, code)
    await visitor.page.get_by_text(visitor.t["states"]["waitlisted"]).wait_for()
    await visitor.page.get_by_text("We look again by Thursday, 3 December, 12:00").wait_for()
    async with store.intake.transaction() as tx:
        await project([appointment(AppointmentBooked, await case_id_of(store, code), 2, 1)], tx)
    await visitor.page.get_by_text(visitor.t["states"]["booked"]).wait_for()
    assert await visitor.page.title() == "Humqadam"
    assert not [address for address in visitor.asked if "token" in address or "?" in address]


async def test_without_script_a_button_shows_it_anew(plain_visitor: Visitor, store: IntakeDatabase) -> None:
    code, pin = await plain_visitor.ask()
    await plain_visitor.open("status")
    await plain_visitor.page.fill("#case_code", f"{code[:5].lower()}-{code[5:]}")
    await plain_visitor.page.fill("#pin", pin)
    await plain_visitor.press(plain_visitor.t["status"]["show"])
    text = plain_visitor.page.locator("#standing")
    assert plain_visitor.t["states"]["matching"] in await text.inner_text()
    assert not await plain_visitor.page.locator("#live").is_visible()
    await waitlist(store, code)
    await plain_visitor.press(plain_visitor.t["status"]["again"])
    assert plain_visitor.t["states"]["waitlisted"] in await text.inner_text()
    await plain_visitor.page.locator('footer button[lang="ur"]').click()
    assert plain_visitor.page.url.endswith("/ur/status")
    assert await plain_visitor.page.locator("html").get_attribute("dir") == "rtl"


async def test_a_wrong_pin_is_told_and_the_code_stays(plain_visitor: Visitor) -> None:
    code, pin = await plain_visitor.ask()
    await plain_visitor.open("status")
    await plain_visitor.page.fill("#case_code", code)
    await plain_visitor.page.fill("#pin", f"{(int(pin) + 1) % 1_000_000:06d}")
    await plain_visitor.press(plain_visitor.t["status"]["show"])
    told = await plain_visitor.page.locator("#case_code-error").inner_text()
    assert told == plain_visitor.t["errors"]["wrong_code_or_pin"]
    assert await plain_visitor.page.input_value("#case_code") == code
    assert await plain_visitor.page.input_value("#pin") == ""
