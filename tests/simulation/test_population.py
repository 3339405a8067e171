"""The synthetic country is the same for the same seed, and looks as its specification says."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import yaml

from services.intake.api.requests import CaseSent
from services.intake.domain.admission import admit
from services.intake.domain.checking import check
from services.intake.domain.requests import CareRequest
from services.intake.settings.data_files import read_policy
from services.matching.api.profiles import ProfileSent
from services.matching.domain.directory import Directory
from services.matching.domain.places import Point, Site
from services.matching.domain.requests import Request
from services.matching.domain.sieve import sieve
from services.matching.domain.therapists import Therapist
from services.matching.domain.vocabulary import LANES
from services.matching.settings import read_cities, read_credentials
from simulation.population import Care, Person, care_for, guardians, people
from simulation.population.chance import stream
from simulation.population.places import CITIES
from simulation.population.windows import safe_windows
from simulation.population.wishes import SOURCES

KARACHI = ZoneInfo("Asia/Karachi")
NOW = datetime(2026, 1, 5, 14, 30, tzinfo=KARACHI)
POLICY = read_policy()


@cache
def many() -> list[Person]:
    return list(people(3, 4000, NOW))


def share(of: Sequence[bool]) -> float:
    return sum(of) / len(of)


def test_the_same_seed_makes_the_same_country() -> None:
    assert list(people(9, 50, NOW)) == list(people(9, 50, NOW))
    assert care_for(9, 500) == care_for(9, 500)
    assert list(people(9, 50, NOW)) != list(people(10, 50, NOW))


def test_a_larger_country_begins_with_the_same_people_and_therapists() -> None:
    assert list(people(9, 20, NOW)) == list(people(9, 60, NOW))[:20]
    few, many = care_for(9, 300), care_for(9, 3000)
    assert many.therapists[: len(few.therapists)] == few.therapists
    assert few.rooms.keys() <= many.rooms.keys()


def test_every_request_is_one_that_intake_takes() -> None:
    for person in many()[:500]:
        CaseSent.model_validate_json(json.dumps(person.body))


def test_four_of_five_windows_are_open_now_whatever_the_hour() -> None:
    for hour in range(0, 24, 3):
        now = datetime(2026, 1, 5, hour, 59, tzinfo=KARACHI)
        drawn = [safe_windows(stream(1, "window", n), now, narrow=n % 5 == 0) for n in range(1500)]
        assert all(is_open == _covers(windows, now) for windows, is_open in drawn)
        assert 0.77 < share([is_open for _, is_open in drawn]) < 0.83


def test_a_closed_window_stays_closed_and_an_open_one_open_while_a_run_takes_its_time() -> None:
    later = NOW + timedelta(minutes=45)
    for person in many()[:800]:
        if person.address:
            assert _covers(person.body["contact"].get("safe_windows", []), later) == person.open_now


def test_the_answers_follow_the_factor_model() -> None:
    given = [p.body["answers"]["phq9"] for p in many() if "phq9" in p.body["answers"]]
    whole = [answers for answers in given if None not in answers]
    totals = [sum(answers) for answers in whole]
    assert 11.5 < sum(totals) / len(totals) < 12.4
    assert 0.22 < share([answers[8] > 0 for answers in whole]) < 0.27
    assert 0.02 < 1 - len(whole) / len(given) < 0.04


def test_some_are_asked_aloud_and_some_about_anxiety_too() -> None:
    aloud = [p.body["answers"]["srq20"] for p in many() if "srq20" in p.body["answers"]]
    anxious = [sum(p.body["answers"]["gad7"]) for p in many() if "gad7" in p.body["answers"]]
    assert 0.07 < len(aloud) / len(many()) < 0.13
    assert 8 < sum(map(sum, aloud)) / len(aloud) < 10
    assert 0.27 < len(anxious) / len(many()) < 0.36
    assert 9 < sum(anxious) / len(anxious) < 11


def test_who_raises_an_alarm_is_known_from_a_single_answer() -> None:
    def alarming(body: dict[str, Any]) -> bool:
        ninth = body["answers"].get("phq9", [0] * 9)[8]
        ending = body["answers"].get("srq20", [0] * 20)[16]
        return bool(ninth) or bool(ending) or "violence" in body.get("red_flags", [])

    assert [p.alarming for p in many()] == [alarming(p.body) for p in many()]
    assert 0.22 < share([p.alarming for p in many()]) < 0.28
    assert {flag for p in many() for flag in p.body.get("red_flags", [])} == {
        "psychosis",
        "mania",
        "withdrawal",
        "violence",
        "perinatal",
    }


def test_wishes_have_their_shares_and_can_be_meant() -> None:
    women = [p.body for p in many() if p.body.get("gender") == "woman"]
    must = [body.get("therapist_gender", {}).get("must", False) for body in women]
    assert 0.40 < share(must) < 0.50
    assert 0.13 < share([p.body.get("faith_sensitive", False) for p in many()]) < 0.17
    assert 0.06 < share(["previous_therapist" in p.body for p in many()]) < 0.10
    radii = [p.body["radius_km"] for p in many() if "radius_km" in p.body]
    assert 7.5 < sorted(radii)[len(radii) // 2] < 9.5
    assert {p.body["kind"] for p in many()} == {"individual", "couple", "family"}
    assert set(SOURCES._items) == {p.body["source"] for p in many()}


def test_whatever_they_say_is_no_contradiction() -> None:
    policy = read_policy()
    for person in many()[:1500]:
        sent = CaseSent.model_validate_json(json.dumps(person.body))
        assert isinstance(check(policy, sent.meant()), CareRequest)


def test_they_are_as_old_and_as_they_say_of_which_gender_as_those_who_ask() -> None:
    ages = Counter(p.body["age_band"] for p in many())
    for age, expected in {"13-17": 0.08, "18-24": 0.27, "25-34": 0.33, "35-44": 0.17, "60+": 0.04}.items():
        assert expected - 0.02 < ages[age] / len(many()) < expected + 0.02, age
    said = Counter(p.body["gender"] for p in many() if "gender" in p.body)
    assert 0.67 < said.total() / len(many()) < 0.73
    assert 0.52 < said["woman"] / said.total() < 0.58
    assert 0.41 < said["man"] / said.total() < 0.47
    assert 0.005 < said["other"] / said.total() < 0.016


def test_channels_languages_and_double_and_late_submits_have_their_shares() -> None:
    channels = Counter(p.body["contact"]["channel"] for p in many())
    for channel, expected in {"whatsapp": 0.55, "sms": 0.17, "call": 0.13, "email": 0.05}.items():
        assert expected - 0.02 < channels[channel] / len(many()) < expected + 0.02, channel
    assert set(channels) == {"whatsapp", "sms", "call", "email", "inbox"}
    assert 0.005 < share([p.submits == 2 for p in many()]) < 0.016
    assert 0.005 < share([p.late for p in many()]) < 0.016
    assert 0.30 < share([p.body["languages"][0] == "pa" for p in many()]) < 0.42


def test_a_quarter_names_no_hours_by_day_and_nobody_at_night() -> None:
    assert 0.22 < share(["safe_windows" not in p.body["contact"] for p in many()]) < 0.28
    asleep = people(3, 800, NOW.replace(hour=22))
    assert not any("safe_windows" not in p.body["contact"] for p in asleep)


def test_nobody_real_can_be_reached() -> None:
    for person in many():
        if person.address is not None:
            assert person.address.startswith("+92399") or person.address.endswith("@example.org")
    phones = Counter(p.address for p in many() if p.address and p.address.startswith("+"))
    assert [number for number, owners in phones.items() if owners > 1] == ["+923999999999"]


def test_people_whom_others_have_failed_are_there_by_hand() -> None:
    assert many()[17].body["languages"] == ["bal"]
    assert many()[29].alarming
    assert sum(many()[29].body["answers"]["phq9"]) == 5
    assert many()[41].address == many()[42].address
    assert many()[41].body["contact"]["channel"] == "sms"
    assert (many()[53].alarming, many()[53].address, many()[53].body["age_band"]) == (True, None, "13-17")
    assert many()[61].body["attendees"] == [{"role": "partner"}]
    assert many()[73].body["time_zone"] == "Asia/Dubai"


@pytest.mark.parametrize("count", [200, 2000])
def test_nine_in_ten_people_fit_somebody(count: int) -> None:
    """By matching's own rules, at the step of intake's own table; who needs another's consent first, and will not get it,
    waits for it."""
    directory, asking = _directory(care_for(5, count)), list(people(5, count, NOW))
    free = [p for p in asking if p.body["kind"] != "couple" and (not p.guarded or _agreed(p))]
    fitted = [
        p
        for p in free
        if sieve(_asked(p.body), directory, dict.fromkeys(LANES, directory.everybody), 25).by_wish
    ]
    assert len(fitted) / len(asking) > 0.9


def test_therapists_differ_in_what_they_speak_do_and_charge() -> None:
    profiles = [therapist.profile for therapist in care_for(5, 2000).therapists]
    spoken = [one for profile in profiles for one in profile["languages"]]
    assert {one["fluency"] for one in spoken} == {"native", "fluent", "working"}
    assert share([any(o["language"] == "ur" for o in p["languages"]) for p in profiles]) > 0.9
    assert 0.57 < share([p["gender"] == "woman" for p in profiles]) < 0.67
    assert 0.15 < share([p["sliding_fee"] is not None for p in profiles]) < 0.25
    assert {kind for p in profiles for kind in p["kinds"]} == {
        "individual", "couple", "family", "group", "child",
    }  # fmt: skip
    psychologists = [p for p in profiles if p["profession"].endswith("psychologist")]
    papers = Counter(p["register_status"] for p in psychologists)
    assert 0.5 < papers["no-register-exists"] / len(psychologists) < 0.7
    assert 0.15 < papers["pending"] / len(psychologists) < 0.35
    assert all(p["supervisor"] for p in profiles if p["profession"] == "lay_counsellor")


@pytest.mark.parametrize("people_count", [200, 2000])
def test_some_keep_a_share_of_places_for_half_the_fee_and_the_papers_of_one_ran_out(
    people_count: int,
) -> None:
    care = care_for(5, people_count)
    profiles = [therapist.profile for therapist in care.therapists]
    assert all((p["sliding_share"] is None) == (p["sliding_fee"] is None) for p in profiles)
    assert {p["sliding_share"] for p in profiles} == {None, 20, 30, 50}
    [ran_out] = [n for n, p in enumerate(profiles) if p["valid_until"]]
    assert profiles[ran_out]["register_status"] == "expired"
    directory = _directory(care)
    number = directory.number_of[care.therapists[ran_out].id]
    assert not directory.at(NOW).practice.permitted(None) >> number & 1


def test_a_third_of_the_therapists_belong_to_the_hospital_and_work_at_its_sites() -> None:
    care = care_for(5, 2000)
    hospital = [t for t in care.therapists if t.profile["organisation"] == "rehmat-hospital"]
    assert 0.30 < len(hospital) / len(care.therapists) < 0.36
    for therapist in care.therapists:
        for site in therapist.profile["sites"]:
            assert _site(care, site)["organisation"] == therapist.profile["organisation"]


def test_cities_are_those_that_intake_knows() -> None:
    known = yaml.safe_load(Path("services/intake/data/places.yaml").read_text())["cities"]
    there = {(c["name"], c["province"], c["latitude"], c["longitude"]) for c in known}
    assert {(c.name, c.province, c.latitude, c.longitude) for c in CITIES} == there


def _agreed(minor: Person) -> bool:
    """Whether there is a guardian who is reached and agrees."""
    return bool(minor.others) and guardians.agrees(5, minor.number) is True


def _covers(windows: list[dict[str, Any]], now: datetime) -> bool:
    at = f"{now:%H:%M}"
    usual: list[dict[str, Any]] = [{"day": day, "start": "09:00", "end": "21:00"} for day in range(1, 8)]
    return any(w["day"] == now.isoweekday() and w["start"] <= at < w["end"] for w in windows or usual)


def _site(care: Care, site: str) -> dict[str, Any]:
    return next(body for site_id, body in care.sites.items() if str(site_id) == site)


def _directory(care: Care) -> Directory:
    therapists = [
        Therapist(one.id, ProfileSent.model_validate_json(json.dumps(one.profile)).meant())
        for one in care.therapists
    ]
    sites = {
        identity: Site(identity, Point(site["latitude"], site["longitude"]), True, site["step_free"])
        for identity, site in care.sites.items()
    }
    return Directory(therapists, sites, read_cities(), read_credentials())


def _asked(body: dict[str, Any]) -> Request:
    """What intake would tell matching of this body."""
    step = admit(POLICY, CaseSent.model_validate_json(json.dumps(body)).meant()).triage.step
    gender, known = body.get("therapist_gender", {}), body.get("previous_therapist", {})
    return Request(
        case_id=UUID(int=1),
        priority=0,
        submitted_at=NOW,
        modalities=tuple(body["modalities"]),
        languages=tuple(body["languages"]),
        problem_areas=tuple(body["problem_areas"]),
        age_band=body["age_band"],
        step=step,
        max_fee=body.get("max_fee"),
        city=body.get("city"),
        radius_km=body.get("radius_km"),
        kind=body["kind"],
        province=body["province"],
        gender_must=gender.get("wish") if gender.get("must") else None,
        access_needs=tuple(body.get("access_needs", ())),
        coverage=tuple(body.get("coverage", ())),
        not_again=UUID(known["therapist_id"]) if known.get("wish") == "not_again" else None,
    )
