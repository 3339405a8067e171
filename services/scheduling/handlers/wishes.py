"""From a match to what is wanted, and from an hour that was found to an appointment, or one that is kept."""

from datetime import datetime
from uuid import UUID

from services.scheduling.domain.appointments import Appointment
from services.scheduling.domain.availability import Need
from services.scheduling.domain.booking import Candidate, Hour, Wish
from services.scheduling.domain.holds import Hold
from services.scheduling.domain.wall_time import minute_after, minute_of
from shared.contracts.matching import ON_ITS_WAY, MatchMade


def kept_until(match: MatchMade) -> datetime | None:
    """Until when the hour of an offer is kept; None where none is, for it books."""
    return match.expires_at + ON_ITS_WAY if match.mode == "offer" and match.expires_at else None


def needs_an_hour(match: MatchMade, now: datetime) -> bool:
    """Whether an hour is to be sought: nothing is kept for an offer whose time is up."""
    return match.mode == "book" or (match.expires_at is not None and match.expires_at > now)


def wish_of(match: MatchMade) -> Wish:
    """What a match asks for, in whole minutes inside what it allows; what is only kept begins when it is kept no more. Of
    whoever wished just one hour it is that one."""
    until = kept_until(match)
    first = minute_after(max(match.earliest, until) if until else match.earliest)
    last = minute_of(match.latest)
    if match.start:
        first, last = minute_of(match.start), minute_of(match.start) + match.minutes
    need = Need(
        lane=match.lane,
        length=match.minutes,
        people=tuple(dict.fromkeys(one.person_id for one in match.attendees)),
        first=first,
        last=last,
        wanted=tuple((window.day, window.start, window.end) for window in match.wanted_times),
        time_zone=match.time_zone,
    )
    candidates = tuple(Candidate(one.therapist_id, one.site_ids) for one in match.candidates)
    return Wish(match.case_id, candidates, need, match.priority, match.mode == "offer", match.last_too)


def chosen_is(hold: Hold, match: MatchMade, now: datetime) -> bool:
    """Whether this match books the very hour that is kept: nothing has to be sought then."""
    kept = hold.appointment
    return (
        match.mode == "book"
        and kept.match_id == match.match_id
        and hold.at(now).state == "held"
        and [one.therapist_id for one in match.candidates] == [kept.therapist_id]
        and {one.person_id for one in match.attendees} == set(kept.person_ids)
    )


def appointment_of(match: MatchMade, hour: Hour, appointment_id: UUID, time_zone: str) -> Appointment:
    """The appointment that stands for this hour. `time_zone` is the site's in person, else the people's."""
    return Appointment(
        id=appointment_id,
        case_id=match.case_id,
        match_id=match.match_id,
        attempt=match.attempt,
        version=1,
        state="booked",
        lane=match.lane,
        modality=match.modality,
        therapist_id=hour.therapist_id,
        organisation=hour.organisation,
        site_id=hour.site_id,
        room_id=hour.room_id,
        attendee_ids=tuple(one.attendee_id for one in match.attendees),
        person_ids=tuple(one.person_id for one in match.attendees),
        start=hour.start,
        end=hour.end,
        buffer=hour.buffer,
        week=hour.week,
        time_zone=time_zone,
        why="may_be_holiday" if hour.may_close else None,
    )
