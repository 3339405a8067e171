"""Saying in a browser how one is reached now: confirmed by one press, or changed, with no address shown again."""

import pytest

from tests.browser.visitor import NUMBER, Visitor
from tests.intake.conftest import IntakeDatabase

pytestmark = pytest.mark.browser
KEPT = """
SELECT t.version, t.channel FROM intake.contacts t JOIN intake.cases USING (person_id) WHERE case_code = $1
"""
OTHER = "0399 1112223"


async def comes_to_it(visitor: Visitor) -> str:
    code, pin = await visitor.ask()
    await visitor.enter("status", code, pin)
    await visitor.press(visitor.t["reach"]["heading"])
    await visitor.on("reach")
    await visitor.picture("reach")
    assert await visitor.sideways() == 0
    content = await visitor.page.content()
    assert not {NUMBER, NUMBER.replace(" ", "")} & set(content.split())
    assert NUMBER[-7:] not in content
    return code


async def test_whoever_is_reached_as_before_says_so_by_one_press(
    plain_visitor: Visitor, store: IntakeDatabase
) -> None:
    code = await comes_to_it(plain_visitor)
    await plain_visitor.press(plain_visitor.t["reach"]["confirm"])
    await plain_visitor.on("status")
    assert plain_visitor.t["reach"]["confirmed"] in await plain_visitor.page.locator("main").inner_text()
    assert tuple(await store.admin.fetchrow(KEPT, code)) == (1, "sms")


async def test_whoever_has_another_number_gives_it_in_urdu_on_a_phone(
    phone: Visitor, store: IntakeDatabase
) -> None:
    code = await comes_to_it(phone)
    await phone.page.fill("#phone", "12")
    await phone.press(phone.t["wishes"]["save"])
    await phone.on("reach")
    await phone.picture("reach-wrong")
    assert phone.t["errors"]["phone"] in await phone.page.locator("main").inner_text()
    await phone.page.fill("#phone", OTHER)
    await phone.press(phone.t["wishes"]["save"])
    await phone.on("status")
    assert phone.t["reach"]["saved"] in await phone.page.locator("main").inner_text()
    assert tuple(await store.admin.fetchrow(KEPT, code)) == (2, "sms")
