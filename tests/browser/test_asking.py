"""Asking for care in a browser: without script, in Urdu on a phone, in danger, with a slip, twice, and leaving."""

import re

import pytest

from services.intake.domain.codes import read_case_code
from tests.browser.visitor import NUMBER, Visitor
from tests.intake.conftest import IntakeDatabase

pytestmark = pytest.mark.browser
WRITTEN = """
SELECT t.language, t.script FROM intake.cases c JOIN intake.contacts t USING (person_id) WHERE c.case_code = $1
"""


async def test_a_person_asks_in_english_without_script(plain_visitor: Visitor, store: IntakeDatabase) -> None:
    code, pin = await plain_visitor.ask()
    assert read_case_code(code) == code
    assert re.fullmatch(r"[0-9]{6}", pin)
    row = await store.admin.fetchrow("SELECT * FROM intake.cases WHERE case_code = $1", code)
    needs = row["needs"] if isinstance(row["needs"], str) else str(row["needs"])
    assert "Lahore" in needs
    assert not row["alarmed"]
    await plain_visitor.press(plain_visitor.t["done"]["look"])
    await plain_visitor.on("status")
    assert plain_visitor.t["states"]["matching"] in await plain_visitor.page.locator("main").inner_text()


async def test_a_person_asks_in_urdu_from_right_to_left_on_a_phone(
    phone: Visitor, store: IntakeDatabase
) -> None:
    await phone.page.goto(f"{phone.site}/")
    assert phone.page.url == f"{phone.site}/ur/"
    html = phone.page.locator("html")
    assert (await html.get_attribute("lang"), await html.get_attribute("dir")) == ("ur", "rtl")
    code, _ = await phone.ask()
    assert read_case_code(code)
    await phone.press(phone.t["done"]["look"])
    await phone.on("status")
    assert tuple(await store.admin.fetchrow(WRITTEN, code)) == ("ur", "Arab")
    assert len(phone.wider) == 9
    assert [pixels for pixels in [*phone.wider, await phone.sideways()] if pixels > 0] == []


async def test_urdu_in_english_letters_is_chosen_on_either_page_and_read_back(
    plain_visitor: Visitor, store: IntakeDatabase
) -> None:
    await plain_visitor.go_to_contact()
    assert await plain_visitor.page.locator('input[name="message_language"]:checked').input_value() == "en"
    await plain_visitor.choose("message_language", "ur-Latn")
    await plain_visitor.picture("contact")
    await plain_visitor.say_contact()
    await plain_visitor.choose("care", "yes")
    await plain_visitor.choose("contact_consent", "yes")
    await plain_visitor.press(plain_visitor.t["common"]["next"])
    assert plain_visitor.t["written"]["ur-Latn"] in await plain_visitor.page.locator("main").inner_text()
    await plain_visitor.press(plain_visitor.t["review"]["send"])
    code, _ = await plain_visitor.code_and_pin()
    assert tuple(await store.admin.fetchrow(WRITTEN, code)) == ("ur", "Latn")


async def test_numbers_to_call_are_on_every_page_and_come_first_when_somebody_may_be_in_danger(
    visitor: Visitor, store: IntakeDatabase
) -> None:
    await visitor.open()
    assert {"1122", "15", "115"} <= set(await visitor.page.locator("footer .card bdi").all_inner_texts())
    code, _ = await visitor.ask("violence")
    card = visitor.page.locator("main .card.urgent")
    assert {"1122", "15", "115"} <= set(await card.locator("bdi").all_inner_texts())
    assert await store.admin.fetchval("SELECT alarmed FROM intake.cases WHERE case_code = $1", code)


async def test_whoever_says_to_be_in_danger_sees_whom_to_call_before_anything_is_sent(
    plain_visitor: Visitor,
) -> None:
    await plain_visitor.go_to_contact("violence")
    assert await plain_visitor.page.locator("main .card.urgent a[href='tel:1122']").is_visible()


async def test_a_wrong_number_comes_back_to_its_field_with_what_is_wrong(plain_visitor: Visitor) -> None:
    await plain_visitor.go_to_contact()
    await plain_visitor.say_contact("12345")
    await plain_visitor.on("contact")
    message = plain_visitor.t["errors"]["phone"]
    assert await plain_visitor.page.locator("#phone-error").inner_text() == message
    assert await plain_visitor.page.input_value("#phone") == "12345"
    described = await plain_visitor.page.locator("#phone").get_attribute("aria-describedby")
    assert "phone-error" in str(described)
    await plain_visitor.page.locator(".summary a").click()
    assert await plain_visitor.page.locator("#phone").evaluate("it => it === document.activeElement")
    await plain_visitor.page.fill("#phone", NUMBER)
    await plain_visitor.press(plain_visitor.t["common"]["next"])
    await plain_visitor.on("consent")


async def test_a_young_person_says_on_a_phone_whom_to_ask_and_reads_it_back(phone: Visitor) -> None:
    phone.age_band = "13-17"
    await phone.go_to_contact()
    await phone.page.fill("#guardian_phone", NUMBER)
    await phone.say_contact()
    await phone.on("contact")
    await phone.picture("whom-to-ask")
    assert phone.t["errors"]["your_own"] in await phone.page.locator("#guardian_phone-error").inner_text()
    await phone.page.fill("#guardian_phone", "0399 1234567")
    await phone.press(phone.t["common"]["next"])
    await phone.on("consent")
    await phone.choose("care", "yes")
    await phone.choose("contact_consent", "yes")
    await phone.press(phone.t["common"]["next"])
    await phone.on("review")
    assert "0399 1234567" in await phone.page.locator("main").inner_text()
    await phone.press(phone.t["review"]["send"])
    await phone.code_and_pin()
    await phone.picture("waits-for-a-guardian")
    said = await phone.page.locator("main").inner_text()
    assert phone.t["waiting"]["guardian"] in said
    assert f"/{phone.words.language}/invitation" in said
    assert [pixels for pixels in [*phone.wider, await phone.sideways()] if pixels > 0] == []


async def test_a_step_without_its_answers_is_not_passed(plain_visitor: Visitor) -> None:
    await plain_visitor.open()
    await plain_visitor.press(plain_visitor.t["start"]["begin"])
    await plain_visitor.press(plain_visitor.t["common"]["next"])
    await plain_visitor.press(plain_visitor.t["common"]["next"])
    await plain_visitor.on("how")
    told = await plain_visitor.page.locator(".summary a").all_inner_texts()
    errors = plain_visitor.t["errors"]
    assert told == [errors["modalities"], errors["languages"], errors["place"]]


async def test_going_back_and_to_the_other_language_forgets_nothing(plain_visitor: Visitor) -> None:
    await plain_visitor.go_to_review()
    await plain_visitor.page.locator('button[value="how"]').click()
    assert await plain_visitor.page.locator('[name="modalities"][value="video"]').is_checked()
    await plain_visitor.page.locator('footer button[lang="ur"]').click()
    assert plain_visitor.page.url.endswith("/ur/steps")
    assert await plain_visitor.page.input_value("#place") == "PK-PB|Lahore"
    for _ in range(5):
        await plain_visitor.page.locator('button[value="next"]').click()
    assert NUMBER in await plain_visitor.page.locator("main").inner_text()


async def test_sending_twice_makes_one_case(plain_visitor: Visitor, store: IntakeDatabase) -> None:
    before = await store.admin.fetchval("SELECT count(*) FROM intake.cases")
    first = await plain_visitor.ask()
    await plain_visitor.page.reload()
    assert await plain_visitor.code_and_pin() == first
    await plain_visitor.go_back()
    await plain_visitor.on("review")
    await plain_visitor.press(plain_visitor.t["review"]["send"])
    assert await plain_visitor.code_and_pin() == first
    assert await store.admin.fetchval("SELECT count(*) FROM intake.cases") == before + 1


async def test_what_was_changed_after_sending_is_not_sent_under_the_same_key(plain_visitor: Visitor) -> None:
    await plain_visitor.ask()
    await plain_visitor.go_back()
    await plain_visitor.page.locator('button[value="about"]').first.click()
    await plain_visitor.choose("problem_areas", "grief")
    for _ in range(4):
        await plain_visitor.page.locator('button[value="next"]').click()
    await plain_visitor.press(plain_visitor.t["review"]["send"])
    await plain_visitor.on("sent_already")


async def test_no_answer_is_in_an_address_a_title_or_kept_by_the_browser(visitor: Visitor) -> None:
    await visitor.ask("perinatal")
    visitor.titles.add(await visitor.page.title())
    told = " ".join(visitor.asked).lower()
    for answer in ("anxiety", "lahore", "perinatal", "7654321", "video", "?"):
        assert answer not in told
    assert visitor.titles == {"Humqadam"}
    kept = "[localStorage.length, sessionStorage.length, document.cookie]"
    assert await visitor.page.evaluate(kept) == [0, 0, ""]
    assert await visitor.page.context.cookies() == []
    assert await visitor.page.evaluate("indexedDB.databases()") == []


async def test_pages_are_never_stored_small_and_let_nothing_foreign_in(visitor: Visitor) -> None:
    await visitor.ask()
    assert len(visitor.pages()) == 9
    for page in visitor.pages():
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "unsafe" not in page.headers["content-security-policy"]
    files = [answer for answer in visitor.answers if "/files/" in answer.url]
    assert {"css", "js", "svg"} >= {answer.url.rpartition(".")[2] for answer in files}
    assert all("immutable" in answer.headers["cache-control"] for answer in files)


@pytest.mark.parametrize("way", ["link", "keys"])
async def test_leaving_quickly_leaves_nothing_to_go_back_to(visitor: Visitor, way: str) -> None:
    await visitor.go_to_contact()
    length = await visitor.page.evaluate("history.length")
    if way == "link":
        await visitor.page.locator("a.exit").click()
    else:
        for _ in range(3):
            await visitor.page.keyboard.press("Escape")
    await visitor.page.wait_for_url("**/elsewhere")
    assert await visitor.page.evaluate("history.length") == length


async def test_leaving_needs_no_script(plain_visitor: Visitor) -> None:
    await plain_visitor.open()
    await plain_visitor.page.locator("a.exit").click()
    await plain_visitor.page.wait_for_url("**/elsewhere")
