"""Somebody who waits looks at their page: the other help there is meanwhile is named, in both directions of writing."""

from typing import get_args

import pytest

from services.intake.domain.policy import Policy
from shared.contracts.told import AlternativeKind
from tests.browser.visitor import Visitor
from tests.intake.conftest import IntakeDatabase
from tests.intake.test_offers import other_help
from tests.intake.test_progress import hear, waitlisted

pytestmark = pytest.mark.browser
CASE = "SELECT case_id FROM intake.cases WHERE case_code = $1"


async def look(visitor: Visitor, store: IntakeDatabase, policy: Policy, language: str) -> None:
    code, pin = await visitor.ask()
    case_id = await store.admin.fetchval(CASE, code)
    for attempt, kind in enumerate(get_args(AlternativeKind), start=1):
        await hear(store, waitlisted(case_id, attempt), other_help(case_id, attempt, kind))
        await visitor.enter("status", code, pin)
        text = await visitor.page.locator("main").inner_text()
        assert policy.other_help.kinds[kind].title[language] in text
        assert policy.other_help.kinds[kind].about[language] in text
        assert await visitor.sideways() == 0
        await visitor.picture(f"waiting-{kind}")


async def test_whoever_waits_reads_which_other_help_there_is(
    plain_visitor: Visitor, store: IntakeDatabase, policy: Policy
) -> None:
    await look(plain_visitor, store, policy, "en")


async def test_whoever_waits_reads_it_in_urdu_on_a_phone(
    phone: Visitor, store: IntakeDatabase, policy: Policy
) -> None:
    await look(phone, store, policy, "ur")
