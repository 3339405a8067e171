"""From a match to what is wanted, and from an hour that was found to an appointment."""

from uuid import UUID

from services.scheduling.domain.appointments import Appointment
from services.scheduling.domain.availability import Need
from services.scheduling.domain.booking import Candidate, Hour, Wish
from services.scheduling.domain.wall_time import minute_after, minute_of
from shared.contracts.matching import MatchMade


def wish_of(match: MatchMade) -> Wish:
    """What a match asks for, in whole minutes inside what it allows."""
    need = Need(
        lane=match.lane,
        length=match.minutes,
        people=tuple(dict.fromkeys(one.person_id for one in match.attendees)),
        first=minute_after(match.earliest),
        last=minute_of(match.latest),
        wanted=tuple((window.day, window.start, window.end) for window in match.wanted_times),
        time_zone=match.time_zone,
    )
    candidates = tuple(Candidate(one.therapist_id, one.site_ids) for one in match.candidates)
    return Wish(match.case_id, candidates, need, match.priority)


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
