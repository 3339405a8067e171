"""Other help while somebody waits: offered once for each reason, by rules, and never in place of what they wait for."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.alternatives import Alternatives, PromisedWithoutPlaceError, Rule
from services.matching.handlers.choosing import ChoiceDesk
from services.matching.handlers.matchmaking import Matchmaker
from services.matching.handlers.waiting import WaitingRoom
from services.matching.settings import read_alternatives
from shared.messaging import Due
from tests.matching.choosing import offered
from tests.matching.conftest import Office
from tests.matching.events import a_case, no_hour
from tests.matching.examples import NOW, POLICY
from tests.matching.test_waiting import waits

RULES = read_alternatives()


async def test_whoever_waits_is_offered_other_help_right_after_being_told(office: Office) -> None:
    case = await waits(office)
    said = [one for one in await office.said() if one["case_id"] == str(case.case_id)]
    assert [one["type"] for one in said] == [
        "matching.case_waitlisted.v1",
        "matching.alternative_offered.v1",
    ]
    other = said[1]
    assert (other["kind"], other["attempt"], other["topic"]) == ("family_doctor", 1, "matching.outcomes")
    assert other["person_id"] == str(case.person_id)
    assert "anxiety" not in str(other)


async def test_it_is_not_offered_again_for_the_same_reason_but_for_another(office: Office) -> None:
    await office.describe(1)
    case = await waits(office, max_fee=1500)
    for _ in range(2):
        await office.hear(office.matchmaker.review_waiting, Due("review", str(case.case_id), NOW))
    assert len(await office.said("case_waitlisted")) == 3
    assert len(await office.said("alternative_offered")) == 1
    await office.describe(1, languages=("bal",), fee=9000)
    await office.hear(office.matchmaker.review_waiting, Due("review", str(case.case_id), NOW))
    assert [one["reason"] for one in await office.said("case_waitlisted")][-1] == "no_fee"
    assert [one["attempt"] for one in await office.said("alternative_offered")] == [1, 4]


async def test_the_case_keeps_its_place_and_is_matched_as_if_nothing_had_been_offered(office: Office) -> None:
    case = await waits(office)
    await office.describe(1, languages=("bal",))
    await office.hear(WaitingRoom(office.matchmaker).wake_waiting, Due("wake", "all", NOW))
    assert (await office.case(case.case_id))["state"] == "matched"


async def test_whoever_gives_up_after_three_tries_is_offered_it_too(office: Office) -> None:
    await office.describe(1)
    await office.hear(office.matchmaker.match_cases, a_case())
    [match] = await office.made()
    await office.hear(office.matchmaker.match_again, no_hour(match))
    assert [one["kind"] for one in await office.said("alternative_offered")] == ["family_doctor"]


async def test_somebody_who_let_an_offer_pass_is_not_sent_elsewhere(office: Office) -> None:
    policy = replace(POLICY, alternatives=RULES)
    office.matchmaker = Matchmaker(policy, office.roster)
    await office.describe(1)
    offer = await offered(office)
    office.now["now"] = NOW + timedelta(hours=72)
    await office.hear(
        ChoiceDesk(office.matchmaker).expire_offers,
        Due("offer", offer["match_id"], NOW, {"case_id": offer["case_id"]}),
    )
    assert len(await office.said("case_waitlisted")) == 1
    assert await office.said("alternative_offered") == []


@given(st.integers(0, 4), st.integers(0, 3))
def test_self_help_is_never_offered_where_the_step_or_the_danger_needs_more(step: int, priority: int) -> None:
    kind = RULES.kind_for(step, priority, "no_capacity")
    assert kind is not None  # nobody who waits is left without any
    if priority >= 2:
        assert kind == "helpline"
    assert kind != "self_help" or step <= 1


@pytest.mark.parametrize("kind", ["circle", "lay_care"])
def test_what_nobody_here_can_give_may_not_be_offered(kind: str) -> None:
    with pytest.raises(PromisedWithoutPlaceError):
        Alternatives("test", [Rule(kind)]).checked()  # type: ignore[arg-type]


def test_the_rules_that_are_shipped_can_be_kept() -> None:
    assert RULES.checked() is RULES
