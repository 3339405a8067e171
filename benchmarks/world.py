"""The fixed world that every one of them is given: 1,500 therapists, and people whom nothing holds up.

Made by the generators of the demo and the same for a seed: adults who ask for themselves, come alone and at any hour, wish to be
booked and may be written to at any hour; nine in ten by SMS, one in twenty by mail, one in twenty on their own page. Alarms come as often
as in the population, except where a human has to speak first. Everybody is somebody for whom a therapist fits.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count, islice
from typing import Any
from uuid import UUID

import orjson

from services.intake.api.requests import CaseSent
from services.intake.domain.admission import admit
from services.intake.domain.checking import check
from services.intake.domain.requests import CareRequest
from services.intake.settings.data_files import read_policy as read_intake_policy
from services.matching.api.profiles import ProfileSent
from services.matching.domain.capacity import capacity_of
from services.matching.domain.decisions import Found, decide
from services.matching.domain.directory import Directory
from services.matching.domain.places import Point, Site
from services.matching.domain.requests import Request
from services.matching.domain.therapists import Therapist
from services.matching.settings import read_cities, read_policy
from simulation.population import Care, Person, care_for, person
from simulation.population.care import PEOPLE_PER_THERAPIST
from simulation.population.chance import Weighted, stream

THERAPISTS = 1500
SESSIONS_A_WEEK, DAYS_AHEAD = 25, 92
CHANNELS = Weighted({"sms": 0.90, "email": 0.05, "inbox": 0.05})
ALWAYS = [{"day": day, "start": "00:00", "end": "24:00"} for day in range(1, 8)]
# The generator asks for the hour to put windows round it, which are replaced here.
NOON = datetime(2026, 1, 5, 12, 0)  # noqa: DTZ001 - local wall time
LEFT_OUT = ("previous_therapist", "attendees", "booking_mode", "wanted_times")

Body = dict[str, Any]


def care(seed: int, therapists: int = THERAPISTS) -> Care:
    """Sites, rooms, therapists and calendars. Each has as many sessions a week as the policy allows and hours as far ahead as a
    calendar goes, so that the tenth minute finds room as the first did."""
    found = care_for(seed, int(therapists * PEOPLE_PER_THERAPIST))
    wide = (
        replace(
            one,
            profile=one.profile | {"weekly_limit": SESSIONS_A_WEEK},
            calendar=one.calendar | {"horizon_days": DAYS_AHEAD},
        )
        for one in found.therapists
    )
    return replace(found, therapists=tuple(wide))


def askers(seed: int, people: int, start: int = 0) -> list[Person]:
    """So many of those who are left when the others are passed over, after the first `start` of them. `address` is the one in their
    body; each presses the button once."""
    fits = _somebody_fits(care(seed))
    bodies = ((number, _body(seed, number)) for number in count())
    fit = (_person(number, body) for number, body in bodies if body and fits(body))
    return list(islice(fit, start, start + people))


def _person(number: int, body: Body) -> Person:
    return Person(number, body, body["contact"].get("address"), open_now=True, submits=1, alarming=False)


def _body(seed: int, number: int) -> Body | None:
    """The number-th person of the country, as this world has them; None for whoever is passed over."""
    body = person(seed, number, NOON).body
    if body["age_band"] == "13-17" or body["kind"] != "individual":
        return None
    body = {name: value for name, value in body.items() if name not in LEFT_OUT}
    return body | {"contact": _contact(seed, number, body["contact"])}


def _contact(seed: int, number: int, said: Body) -> Body:
    channel = CHANNELS.draw(stream(seed, "channel", number))
    kept = {name: said[name] for name in ("language", "script", "owner")}
    contact = kept | {"channel": channel, "safe_windows": ALWAYS}
    if channel == "inbox":
        return contact
    # The same reserved numbers and domain as the generator's, but one for every person, whatever channel it drew.
    address = f"+92399{number:07}" if channel == "sms" else f"person-{seed}-{number}@example.org"
    return contact | {"address": address}


def _somebody_fits(care: Care) -> Callable[[Body], bool]:
    """Whether nothing holds a request up and somebody fits, by the rules of intake and matching, with nobody full."""
    intake, (matching, _) = read_intake_policy(), read_policy()
    everybody = [
        Therapist(one.id, ProfileSent.model_validate_json(orjson.dumps(one.profile)).meant())
        for one in care.therapists
    ]
    directory = Directory(everybody, dict(_sites(care)), read_cities(), matching.credentials)
    now = datetime.now(UTC)
    directory, capacity = directory.at(now), capacity_of(directory, {}, matching.weeks)

    def fits(body: Body) -> bool:
        request = check(intake, CaseSent.model_validate_json(orjson.dumps(body)).meant())
        if isinstance(request, list):
            return False
        admission = admit(intake, request)
        if admission.gate != "open":
            return False
        asked = _asked(request, admission.triage.step, now)
        return isinstance(decide([asked], directory, capacity, matching)[0].outcome, Found)

    return fits


def _sites(care: Care) -> Iterator[tuple[UUID, Site]]:
    for one, said in care.sites.items():
        yield one, Site(one, Point(said["latitude"], said["longitude"]), True, said["step_free"])


def _asked(request: CareRequest, step: int, now: datetime) -> Request:
    needs = request.needs
    gender = needs.therapist_gender
    return Request(
        case_id=UUID(int=0),
        priority=0,
        submitted_at=now,
        modalities=needs.modalities,
        languages=needs.languages,
        problem_areas=needs.problem_areas,
        age_band=needs.age_band,
        step=step,
        max_fee=needs.max_fee,
        city=needs.city,
        radius_km=needs.radius_km,
        province=needs.province,
        gender_must=gender.wish if gender and gender.must else None,
        access_needs=needs.access_needs,
        coverage=needs.coverage,
    )
