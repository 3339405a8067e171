"""Requests that change: a gate opens or closes, wishes differ, and nobody loses an hour or their place for it."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.matching.domain.cases import Case, on_change
from services.matching.handlers.changes import ChangeDesk
from services.matching.handlers.standing import count_hours, withdraw_matches
from shared.contracts.intake import CaseSubmitted, CaseUpdated
from shared.messaging import Due
from tests.matching.conftest import Office
from tests.matching.events import a_case, booked, cancelled, withdrawal
from tests.matching.examples import NOW


def changed(case: CaseSubmitted, version: int = 2, **changes: Any) -> CaseUpdated:
    said = case.model_dump() | {"request_version": version, "updated_at": NOW + timedelta(hours=1)}
    return CaseUpdated(**said | changes)


async def follow(office: Office, *events: CaseUpdated) -> None:
    await office.hear(ChangeDesk(office.matchmaker).follow_changes, *events)


async def heard(office: Office, **changes: Any) -> CaseSubmitted:
    case = a_case(**changes)
    await office.hear(office.matchmaker.match_cases, case)
    return case


async def test_a_held_case_is_matched_when_its_gate_opens(office: Office) -> None:
    await office.describe(1)
    case = await heard(office, gate="waits_for_consent")
    await follow(office, changed(case, gate="waits_for_consent", languages=("en",)))
    assert await office.made() == []
    await follow(office, changed(case, 3, gate="open"))
    [match] = await office.made()
    assert (match["case_id"], match["attempt"]) == (str(case.case_id), 1)
    assert await office.loads() == {1: 1}


async def test_whoever_waits_is_searched_again_at_once_with_the_new_wishes(office: Office) -> None:
    await office.describe(1)
    case = await heard(office, languages=("bal",))
    await follow(office, changed(case, languages=("bal", "ur")))
    [match] = await office.made()
    assert match["attempt"] == 2
    await office.hear(office.matchmaker.review_waiting, Due("review", str(case.case_id), NOW))
    assert len(await office.made()) == 1  # the promised day has nothing left to do


async def test_who_still_finds_nobody_waits_on_with_a_new_date_and_the_old_place(office: Office) -> None:
    await office.describe(1)
    case = await heard(office, languages=("bal",))
    office.now["now"] = NOW + timedelta(days=1)
    await follow(office, changed(case, languages=("brh",)))
    told = await office.said("case_waitlisted")
    assert [one["attempt"] for one in told] == [1, 2]
    kept = CaseUpdated.model_validate_json((await office.case(case.case_id))["request"])
    assert (kept.languages, kept.submitted_at) == (("brh",), NOW)


async def test_a_match_that_is_not_booked_is_superseded_by_one_with_the_new_wishes(office: Office) -> None:
    await office.describe(1, languages=("ur",), weekly_limit=1)
    await office.describe(2, languages=("en",))
    case = await heard(office)
    await follow(office, changed(case, languages=("en",)))
    first, second = await office.made()
    assert [first["attempt"], second["attempt"]] == [1, 2]
    assert second["candidates"][0]["therapist_id"] == str(UUID(int=2))
    assert await office.said("match_withdrawn") == []  # the higher attempt withdraws the lower one
    assert await office.loads() == {2: 1}
    await office.hear(count_hours, booked(first))
    assert await office.loads() == {2: 1}


async def test_scheduling_is_told_when_nobody_fits_the_new_wishes(office: Office) -> None:
    await office.describe(1)
    case = await heard(office)
    await follow(office, changed(case, languages=("bal",)))
    [withdrawn] = await office.said("match_withdrawn")
    assert (withdrawn["attempt"], withdrawn["reason"]) == (1, "request_changed")
    [waiting] = await office.said("case_waitlisted")
    assert waiting["attempt"] == 2
    assert await office.loads() == {}


async def test_their_own_place_is_free_for_whoever_asks_anew(office: Office) -> None:
    await office.describe(1, weekly_limit=1)
    case = await heard(office)
    for _ in range(3):
        await heard(office)
    assert await office.loads() == {1: 4}
    await follow(office, changed(case, max_fee=1500))
    assert (await office.case(case.case_id))["state"] == "matched"
    assert await office.loads() == {1: 4}


async def test_a_booked_hour_is_not_lost_by_a_change_which_is_kept(office: Office) -> None:
    await office.describe(1)
    case = await heard(office)
    [match] = await office.made()
    await office.hear(count_hours, booked(match))
    before = len(await office.said())
    await follow(office, changed(case, languages=("bal",)))
    kept = await office.case(case.case_id)
    assert (kept["state"], kept["request_version"]) == ("booked", 2)
    assert CaseUpdated.model_validate_json(kept["request"]).languages == ("bal",)
    assert len(await office.said()) == before
    assert await office.loads() == {1: 1}


async def test_an_older_or_repeated_request_changes_nothing(office: Office) -> None:
    await office.describe(1)
    case = await heard(office)
    await follow(office, changed(case, 5, languages=("en",)))
    before = len(await office.said())
    for version in (5, 4, 1, 0):
        await follow(office, changed(case, version, languages=("bal",)))
    assert len(await office.said()) == before
    assert (await office.case(case.case_id))["request_version"] == 5


async def test_a_change_that_says_nothing_new_leaves_the_search_alone(office: Office) -> None:
    await office.describe(1)
    case = await heard(office)
    await follow(office, changed(case))
    assert len(await office.made()) == 1
    assert (await office.case(case.case_id))["attempt"] == 1


async def test_a_gate_that_closes_takes_the_match_back_and_holds_the_case(office: Office) -> None:
    await office.describe(1)
    case = await heard(office)
    await follow(office, changed(case, gate="waits_for_consent"))
    [withdrawn] = await office.said("match_withdrawn")
    assert withdrawn["attempt"] == 1
    assert (await office.case(case.case_id))["state"] == "held"
    assert await office.loads() == {}
    await office.hear(office.matchmaker.match_cases, case)  # as it was first made, told again
    assert (await office.case(case.case_id))["state"] == "held"


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"gate": "waits_for_human"}, ["match_offered", "offer_expired"]),  # as whoever pauses
        ({"booking_mode": "auto"}, ["match_offered", "offer_expired"]),
        ({"languages": ("ur", "en")}, ["match_offered", "match_offered"]),
        ({"languages": ("brh",)}, ["match_offered", "case_waitlisted"]),
    ],
)
async def test_an_offer_that_the_request_has_left_behind_is_said_to_be_over(
    office: Office, after: dict[str, Any], said: list[str]
) -> None:
    await office.describe(1)
    case = await heard(office, booking_mode="choose")
    await follow(office, changed(case, **after))
    kinds = ("match_offered", "offer_expired", "case_waitlisted")
    assert [kind for kind in kinds for _ in await office.said(kind)] == said
    [offer, *_] = await office.said("match_offered")
    about = ("match_id", "attempt", "person_id")
    for over in await office.said("offer_expired"):
        assert [over[name] for name in about] == [offer[name] for name in about]


async def test_a_withdrawn_case_stays_withdrawn_whatever_it_says(office: Office) -> None:
    await office.describe(1)
    case = await heard(office)
    await office.hear(withdraw_matches, withdrawal(case.case_id))
    await follow(office, changed(case, languages=("en",)))
    assert (await office.case(case.case_id))["state"] == "withdrawn"
    assert len(await office.made()) == 1


async def test_a_change_of_a_case_never_heard_of_is_a_request_like_any_other(office: Office) -> None:
    await office.describe(1)
    case = a_case()
    await follow(office, changed(case))
    await office.hear(office.matchmaker.match_cases, case)
    assert [one["attempt"] for one in await office.made()] == [1]


@pytest.mark.parametrize("state", ["booked", "cancelled"])
@pytest.mark.parametrize("gate_is_open", [True, False])
def test_nothing_a_person_says_costs_them_their_hour(state: Any, gate_is_open: bool) -> None:
    case = Case(uuid4(), uuid4(), state)
    assert on_change(case, gate_is_open=gate_is_open, wishes_differ=True) == "keep"


@pytest.mark.parametrize("state", ["booked", "cancelled", "matched"])
def test_whoever_asks_again_is_searched_for_only_when_their_hour_is_known_to_be_no_more(state: Any) -> None:
    case = Case(uuid4(), uuid4(), state, attempt=2)

    def change(after: int | None, gate_is_open: bool = True) -> str:
        return on_change(case, gate_is_open=gate_is_open, wishes_differ=False, resumed_after=after)

    assert [change(after) for after in (None, 0, 1)] == ["keep"] * 3
    assert (change(2), change(3)) == ("search", "search")
    assert change(2, gate_is_open=False) != "search"


@pytest.mark.parametrize("heard_of_it", [True, False])
async def test_a_search_goes_on_after_a_cancelled_hour_that_its_person_lets_go_on(
    office: Office, heard_of_it: bool
) -> None:
    await office.describe(1)
    case = await heard(office)
    [match] = await office.made()
    hour = booked(match)
    await office.hear(count_hours, hour)
    lost = cancelled(hour)
    if heard_of_it:
        await office.hear(count_hours, lost)
    await follow(office, changed(case, resumed_after=1))
    _, second = await office.made()
    assert (second["attempt"], await office.loads()) == (2, {1: 1})
    await office.hear(count_hours, lost)
    await follow(office, changed(case, 3, resumed_after=1))
    assert len(await office.made()) == 2
    assert await office.said("match_withdrawn") == []


@pytest.mark.parametrize("heard_of_it", [True, False])
async def test_no_hour_may_be_booked_past_the_list_for_whoever_lets_a_cancelled_case_go_on_and_waits(
    office: Office, heard_of_it: bool
) -> None:
    await office.describe(1)
    case = await heard(office)
    [match] = await office.made()
    hour = booked(match)
    for said in [hour, *([cancelled(hour)] if heard_of_it else [])]:
        await office.hear(count_hours, said)
    nobody = changed(case, resumed_after=1, languages=("bal",))
    await follow(office, nobody)
    await follow(office, nobody)
    [waiting] = await office.said("case_waitlisted")
    [withdrawn] = await office.said("match_withdrawn")
    assert (waiting["attempt"], withdrawn["attempt"], withdrawn["match_id"]) == (2, 1, match["match_id"])
    assert await office.loads() == {}
    await office.hear(count_hours, cancelled(hour))
    await office.hear(withdraw_matches, withdrawal(case.case_id))
    assert len(await office.said("match_withdrawn")) == 1
