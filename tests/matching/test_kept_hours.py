"""While somebody chooses an hour with one of them is kept: shown with its time, counted, theirs at once, or somebody's."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from services.matching.handlers.changes import ChangeDesk
from services.matching.handlers.choosing import ChoiceDesk, Refused
from services.matching.handlers.keeping import follow_kept_hours
from services.matching.handlers.standing import count_hours
from shared.contracts.intake import CaseSubmitted
from shared.contracts.scheduling import AppointmentHeld
from shared.messaging import Due
from tests.matching.choosing import decide, offered, state_of
from tests.matching.conftest import Office
from tests.matching.events import a_case, booked, kept, released
from tests.matching.examples import NOW
from tests.matching.test_changes import changed
from tests.matching.test_choice_form import choice, outcome, send

START = NOW + timedelta(days=2)


async def with_an_hour(
    office: Office, option: int = 0, **changes: Any
) -> tuple[dict[str, Any], AppointmentHeld]:
    """An offer of whom there are, and the hour that is kept with one of them."""
    offer = await offered(office, **changes)
    asked = (await office.made("offer"))[-1]
    hour = kept(asked, UUID(offer["options"][option]["therapist_id"]).int)
    await office.hear(follow_kept_hours, hour)
    return offer, hour


async def team(office: Office, count: int = 3, **changes: Any) -> None:
    for number in range(1, count + 1):
        await office.describe(number, **changes)


@pytest.mark.parametrize(("priority", "hours"), [(0, 12), (1, 12), (3, 12)])
async def test_with_an_offer_an_hour_is_asked_for_that_is_kept_for_half_a_day(
    office: Office, priority: int, hours: int
) -> None:
    await team(office)
    offer = await offered(office, priority=priority)
    [asked] = await office.made("offer")
    assert (asked["topic"], asked["match_id"], asked["attempt"]) == (
        "matching.matches.online", offer["match_id"], 1,
    )  # fmt: skip
    assert asked["expires_at"] == (NOW + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")
    assert asked["expires_at"] <= offer["expires_at"]
    assert [one["therapist_id"] for one in asked["candidates"]] == [
        one["therapist_id"] for one in offer["options"]
    ]


async def test_a_kept_hour_counts_for_its_therapist_and_is_theirs_at_once(office: Office) -> None:
    await team(office)
    offer, hour = await with_an_hour(office, 1)
    assert await office.loads() == {hour.therapist_id.int: 1}
    answer = await decide(office, offer, option=1, start=START)
    assert (answer["state"], answer["start"]) == ("accepted", START.isoformat())
    [match] = await office.made()
    assert [UUID(one["therapist_id"]) for one in match["candidates"]] == [hour.therapist_id]
    assert (match["match_id"], match["attempt"]) == (str(hour.match_id), hour.attempt)
    assert await office.loads() == {hour.therapist_id.int: 1}
    await office.hear(
        count_hours, booked(match, appointment_id=hour.appointment_id, version=2, start=hour.start)
    )
    assert (await office.case(UUID(offer["case_id"])))["state"] == "booked"


async def test_whoever_keeps_an_hour_for_somebody_has_room_for_them(office: Office) -> None:
    await office.describe(1, weekly_limit=1)
    offer, _ = await with_an_hour(office)
    others = [await offered(office) for _ in range(4)]
    answers = [await decide(office, other, option=0) for other in others]
    assert answers[3] == Refused("option_gone")
    assert await office.loads() == {1: 4}
    assert (await decide(office, offer, option=0))["state"] == "accepted"
    assert await office.loads() == {1: 4}


async def test_whoever_chooses_another_is_counted_there_and_nowhere_else(office: Office) -> None:
    await team(office)
    offer, _ = await with_an_hour(office)
    answer = await decide(office, offer, option=2)
    assert answer["start"] is None
    assert await office.loads() == {UUID(offer["options"][2]["therapist_id"]).int: 1}


async def test_an_hour_that_has_gone_is_refused_by_name_and_the_choice_stays_open(office: Office) -> None:
    await team(office)
    offer, hour = await with_an_hour(office)
    assert await decide(office, offer, option=0, start=START + timedelta(hours=1)) == Refused("hour_gone")
    assert await decide(office, offer, option=1, start=START) == Refused("hour_gone")
    await office.hear(follow_kept_hours, released(hour))
    assert await office.loads() == {}
    assert await decide(office, offer, option=0, start=START) == Refused("hour_gone")
    assert await state_of(office, offer) == "open"
    answer = await decide(office, offer, option=0)
    assert (answer["state"], answer["start"]) == ("accepted", None)


async def test_whoever_asked_for_just_that_hour_is_matched_to_no_other(office: Office) -> None:
    await team(office)
    for start in (START, None):
        offer, _ = await with_an_hour(office)
        await decide(office, offer, option=0, start=start)
        said = (await office.made())[-1]["start"]
        assert said == (start.isoformat().replace("+00:00", "Z") if start else None)


async def test_it_is_theirs_until_the_time_that_was_said_and_not_a_second_longer(office: Office) -> None:
    await team(office)
    offer, hour = await with_an_hour(office)
    assert hour.take_by is not None
    office.now["now"] = hour.take_by
    assert await decide(office, offer, option=0, start=START) == Refused("hour_gone")
    office.now["now"] = hour.take_by - timedelta(seconds=1)
    assert (await decide(office, offer, option=0, start=START))["start"] == START.isoformat()


async def test_whatever_ends_an_offer_unchosen_frees_the_hour_for_the_next(office: Office) -> None:
    await team(office, 9)
    declines, _ = await with_an_hour(office)
    lets_pass, _ = await with_an_hour(office)
    holds_on, _ = await with_an_hour(office)
    await decide(office, declines, reason="none_suits")
    stored = (await office.case(UUID(holds_on["case_id"])))["request"]
    request = CaseSubmitted.model_validate_json(stored)
    await office.hear(
        ChangeDesk(office.matchmaker).follow_changes, changed(request, gate="waits_for_consent")
    )
    office.now["now"] = NOW + timedelta(hours=72)
    due = Due("offer", lets_pass["match_id"], NOW, {"case_id": lets_pass["case_id"]})
    await office.hear(ChoiceDesk(office.matchmaker).expire_offers, due)
    withdrawn = {one["match_id"]: one["reason"] for one in await office.said("match_withdrawn")}
    assert withdrawn == {
        declines["match_id"]: "offer_declined",
        lets_pass["match_id"]: "offer_expired",
        holds_on["match_id"]: "request_changed",
    }
    assert await office.loads() == {}


async def test_what_is_said_late_of_an_hour_changes_nothing(office: Office) -> None:
    await team(office)
    offer, hour = await with_an_hour(office)
    of_another = hour.model_copy(update={"match_id": UUID(int=1), "version": 9})
    of_nobody = hour.model_copy(update={"case_id": UUID(int=2)})
    await office.hear(follow_kept_hours, released(hour))
    for late in (hour, of_another, of_nobody):
        await office.hear(follow_kept_hours, late)
        assert await office.loads() == {}
    await decide(office, offer, option=1)
    loads = await office.loads()
    await office.hear(follow_kept_hours, hour.model_copy(update={"version": 5}))
    await office.hear(follow_kept_hours, released(hour))
    assert await office.loads() == loads


async def test_who_is_suspended_meanwhile_cannot_be_chosen_though_an_hour_is_kept(office: Office) -> None:
    await team(office)
    offer, hour = await with_an_hour(office)
    await office.describe(hour.therapist_id.int, status="suspended")
    assert await decide(office, offer, option=0, start=START) == Refused("option_gone")


async def test_a_booked_case_is_not_counted_for_an_hour_that_staff_keep(office: Office) -> None:
    await team(office)
    case = a_case()
    await office.hear(office.matchmaker.match_cases, case)
    [match] = await office.made()
    by_staff = kept(match | {"expires_at": NOW.isoformat()}, take_by=None)
    before = await office.loads()
    await office.hear(follow_kept_hours, by_staff)
    assert await office.loads() == before


async def test_the_hour_is_shown_with_its_time_and_booked_over_http(
    frontend: httpx2.AsyncClient, office: Office, session: Any
) -> None:
    await team(office)
    offer, hour = await with_an_hour(office, 1)
    path, headers = f"/v1/matches/{offer['match_id']}", session(offer["case_id"])
    shown = (await frontend.get(path, headers=headers)).json()
    assert [one["hour"] is None for one in shown["options"]] == [True, False, True]
    said = shown["options"][1]["hour"]
    assert list(said) == ["start", "end", "take_by"]
    assert said["start"].startswith(hour.start.isoformat()[:16])
    body = {"option_id": offer["options"][1]["option_id"], "start": said["start"]}
    answer = await frontend.post(f"{path}/accept", json=body, headers=headers)
    assert (answer.status_code, answer.json()["start"]) == (200, START.isoformat())


async def test_over_http_an_hour_that_has_gone_is_a_conflict_and_no_time_at_all_is_named(
    frontend: httpx2.AsyncClient, office: Office, session: Any
) -> None:
    await team(office)
    offer, hour = await with_an_hour(office)
    path = f"/v1/matches/{offer['match_id']}"
    body = {"option_id": offer["options"][0]["option_id"], "start": START.isoformat()}
    await office.hear(follow_kept_hours, released(hour))
    shown = (await frontend.get(path, headers=session(offer["case_id"]))).json()
    assert [one["hour"] for one in shown["options"]] == [None] * 3
    gone = await frontend.post(f"{path}/accept", json=body, headers=session(offer["case_id"]))
    assert (gone.status_code, gone.json()["code"]) == (409, "hour_gone")
    for wrong in ("soon", "2027-01-07T08:00:00"):
        answer = await frontend.post(
            f"{path}/accept", json=body | {"start": wrong}, headers=session(offer["case_id"])
        )
        assert answer.status_code == 422
        assert [one["pointer"] for one in answer.json()["errors"]] == ["/start"]
    assert await state_of(office, offer) == "open"


async def test_the_form_of_a_page_takes_the_hour_that_stood_beside_the_option(
    frontend: httpx2.AsyncClient, office: Office, session: Any
) -> None:
    await team(office)
    offer, hour = await with_an_hour(office)
    option = offer["options"][0]["option_id"]
    other = f"{option} {(START + timedelta(hours=1)).isoformat()}"
    assert await outcome(frontend, choice(offer, session, option_id=other)) == "/ur/choice/hour_gone"
    for _ in range(2):
        sent = choice(offer, session, option_id=f"{option} {hour.start.isoformat()}")
        assert await outcome(frontend, sent) == "/ur/choice/made"
    assert len(await office.made()) == 1


@pytest.mark.parametrize("start", ["soon", "2027-01-07T08:00:00"])
async def test_a_time_that_no_page_of_ours_sends_is_refused(
    frontend: httpx2.AsyncClient, office: Office, session: Any, start: str
) -> None:
    await team(office)
    offer, _ = await with_an_hour(office)
    sent = choice(offer, session, option_id=f"{offer['options'][0]['option_id']} {start}")
    answer = await send(frontend, sent)
    assert (answer.status_code, answer.json()["code"]) == (400, "broken_form")
    assert await state_of(office, offer) == "open"
