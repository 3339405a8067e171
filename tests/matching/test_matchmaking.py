"""Cases come in: they are matched, waitlisted or held, once, and nothing of the need goes out."""

from datetime import timedelta
from uuid import UUID, uuid4

from shared.contracts.intake import Attendee, PreviousTherapist, TherapistGender
from tests.matching.conftest import Office
from tests.matching.events import a_case
from tests.matching.examples import LAHORE, NOW, WITH_A_STEP


async def test_a_case_is_matched_and_says_who_how_and_when(office: Office) -> None:
    for number in range(1, 8):
        await office.describe(number)
    case = a_case(priority=2)
    await office.hear(office.matchmaker.match_cases, case)
    [match] = await office.made()
    assert match["topic"] == "matching.matches.online"
    assert match["outbox_lane"] == "online"
    assert (match["attempt"], match["lane"], match["modality"], match["minutes"]) == (
        1,
        "online",
        "video",
        50,
    )
    asked = [candidate["therapist_id"] for candidate in match["candidates"]]
    assert len(set(asked)) == 5
    assert set(asked) < {str(UUID(int=number)) for number in range(1, 8)}
    assert match["attendees"] == [
        {"attendee_id": str(case.attendees[0].attendee_id), "person_id": str(case.person_id)}
    ]
    assert match["wanted_times"] == [{"day": 1, "start": 1020, "end": 1200}]
    assert (match["priority"], match["time_zone"], match["mode"]) == (2, "Asia/Karachi", "book")
    assert match["earliest"] == (NOW + timedelta(hours=2)).isoformat().replace("+00:00", "Z")
    assert match["latest"] == (NOW + timedelta(days=28)).isoformat().replace("+00:00", "Z")
    assert match["rule_version"] == "test"
    assert (await office.case(case.case_id))["state"] == "matched"
    assert await office.loads() == {UUID(asked[0]).int: 1}


async def test_whoever_has_not_consented_is_no_attendee_of_a_match(office: Office) -> None:
    await office.describe(1)
    alone = a_case()
    others = [
        Attendee(attendee_id=uuid4(), person_id=uuid4(), role="family", consent=consent)
        for consent in ("given", "invited", "pending", "declined")
    ]
    case = alone.model_copy(update={"attendees": (*alone.attendees, *others)})
    await office.hear(office.matchmaker.match_cases, case)
    [match] = await office.made()
    asked = [one["attendee_id"] for one in match["attendees"]]
    assert asked == [str(alone.attendees[0].attendee_id), str(others[0].attendee_id)]


async def test_a_case_in_person_goes_to_its_own_lane_with_the_sites(office: Office) -> None:
    await office.know_sites()
    await office.describe(1, modalities=("in_person",), sites=(LAHORE,))
    await office.hear(office.matchmaker.match_cases, a_case(modalities=("in_person",)))
    [match] = await office.made()
    assert match["topic"] == "matching.matches.in_person"
    assert match["outbox_lane"] == "in_person"
    assert match["candidates"] == [{"therapist_id": str(UUID(int=1)), "site_ids": [str(LAHORE)]}]


async def test_nothing_of_the_need_leaves_matching(office: Office) -> None:
    await office.describe(1)
    await office.hear(office.matchmaker.match_cases, a_case(), a_case(problem_areas=("ocd",)))
    for said in await office.said():
        text = str(said)
        for code in ("anxiety", "ocd", "phq9", "step", "points", "problem", "age_band", "25-34", "max_fee"):
            assert code not in text, (said["type"], code)


async def test_who_cannot_be_matched_is_waitlisted_with_a_reason_and_a_date(office: Office) -> None:
    await office.describe(1)
    routine, urgent = a_case(languages=("bal",)), a_case(max_fee=0, priority=3)
    await office.hear(office.matchmaker.match_cases, routine, urgent)
    told = {said["case_id"]: said for said in await office.said("case_waitlisted")}
    first, second = told[str(routine.case_id)], told[str(urgent.case_id)]
    assert (first["reason"], first["attempt"], first["topic"]) == ("no_language", 1, "matching.outcomes")
    assert second["reason"] == "no_fee"
    assert first["next_review"] == (NOW + timedelta(days=14)).isoformat().replace("+00:00", "Z")
    assert second["next_review"] == (NOW + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    assert first["person_id"] == str(routine.person_id)
    assert await office.loads() == {}


async def test_a_held_case_waits_until_its_gate_opens(office: Office) -> None:
    await office.describe(1)
    case = a_case(gate="waits_for_human")
    await office.hear(office.matchmaker.match_cases, case)
    assert await office.said("match_") == [] == await office.said("waitlisted")
    assert (await office.case(case.case_id))["state"] == "held"
    await office.hear(office.matchmaker.match_cases, case.model_copy(update={"gate": "open"}))
    [match] = await office.made()
    assert match["attempt"] == 1
    assert await office.loads() == {1: 1}


async def test_a_case_that_is_told_twice_is_matched_once(office: Office) -> None:
    await office.describe(1)
    matched, waiting = a_case(), a_case(languages=("bal",))
    for _ in range(3):
        await office.hear(office.matchmaker.match_cases, matched, waiting)
    assert len(await office.made()) == 1
    assert len(await office.said("case_waitlisted")) == 1
    assert await office.loads() == {1: 1}


async def test_it_is_kept_why_somebody_was_asked_or_nobody(office: Office) -> None:
    await office.describe(1)
    await office.describe(2, languages=("bal",))
    found, none = a_case(), a_case(problem_areas=("ocd",))
    await office.hear(office.matchmaker.match_cases, found, none)
    rows = await office.database.pool.fetch("SELECT * FROM match_explanations")
    kept = {row["case_id"]: row for row in rows}
    why = kept[found.case_id]
    assert (why["attempt"], why["modality"], why["candidates"]) == (1, "video", [UUID(int=1)])
    assert why["explained"]["left"] == {
        "active": 2, "credential": 2, "supervision": 2, "kind": 2, "language": 1, "area": 1, "age_band": 1, "step": 1,
        "fee": 1, "modality": 1, "capacity": 1,
    }  # fmt: skip
    assert why["explained"]["points"] == {
        "wish": [0], "language": [0], "fluency": [0], "specialist": [600], "step_above": [400], "load": [0],
    }  # fmt: skip
    assert why["explained"]["total"] == [1000]
    assert (kept[none.case_id]["reason"], kept[none.case_id]["candidates"]) == ("no_area", [])


async def test_operators_see_a_cases_way_without_its_need(office: Office) -> None:
    await office.describe(1)
    case = a_case()
    await office.hear(office.matchmaker.match_cases, case)
    rows = await office.database.pool.fetch(
        "SELECT * FROM journey WHERE case_id = $1 ORDER BY at", case.case_id
    )
    assert [row["step"] for row in rows] == ["matched", "matched"]
    assert {row["waits_for"] for row in rows} == {None, "an hour from scheduling"}
    assert "anxiety" not in str(rows)


async def test_the_whole_request_is_compared_with_who_there_is(office: Office) -> None:
    await office.know_sites()
    wanted = {
        "kind": "couple", "modalities": ("in_person",), "max_fee": 0, "coverage": ("employer",),
        "therapist_gender": TherapistGender(wish="man", must=True), "access_needs": ("step_free", "sign_language"),
        "previous_therapist": PreviousTherapist(therapist_id=UUID(int=3), wish="not_again"),
    }  # fmt: skip
    fits = {
        "kinds": ("individual", "couple"), "modalities": ("in_person",), "sites": (LAHORE,), "gender": "man",
        "access": ("sign_language",), "coverage": ("employer",),
    }  # fmt: skip
    wrong = ("kinds", "gender", "access", "coverage")
    await office.describe(1, **fits)
    for number, without in enumerate(wrong, 4):
        await office.describe(number, **{name: offer for name, offer in fits.items() if name != without})
    await office.describe(2, **fits | {"sites": (WITH_A_STEP,)})
    await office.describe(3, **fits)
    await office.hear(office.matchmaker.match_cases, a_case(**wanted))
    [match] = await office.made()
    assert [one["therapist_id"] for one in match["candidates"]] == [str(UUID(int=1))]


async def test_wishes_order_who_is_asked_and_leave_nobody_out(office: Office) -> None:
    await office.describe(1)
    await office.describe(2, gender="man")
    await office.describe(3, faith_sensitive=True)
    await office.describe(4, profession="lay_counsellor")
    case = a_case(
        therapist_gender=TherapistGender(wish="man"),
        faith_sensitive=True,
        previous_therapist=PreviousTherapist(therapist_id=UUID(int=1), wish="again"),
    )
    await office.hear(office.matchmaker.match_cases, case)
    [match] = await office.made()
    assert [UUID(one["therapist_id"]).int for one in match["candidates"]] == [1, 2, 3]
