"""A day of appointments as staff read it: whose, where, and which minutes the day has there."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.scheduling.domain.changes import Caller, at_own_site
from services.scheduling.domain.refusals import Refused
from services.scheduling.domain.wall_time import EPOCH_ORDINAL, Span, local_day, pieces

HOME_ZONE = "Asia/Karachi"  # of a day that is asked for without a site and without a therapist

Place = tuple[int, UUID]  # start and id of the last one on a page


@dataclass(frozen=True, slots=True)
class Filter:
    """None does not restrict. `span` are UTC minutes, the end not included."""

    span: Span
    site_id: UUID | None = None
    therapist_id: UUID | None = None
    organisation: str | None = None


def whose(caller: Caller, therapist_id: UUID | None) -> UUID | None:
    """The therapist whose hours are asked for; a therapist asks for the own ones, named or not. Raises Refused."""
    if caller.role != "therapist":
        return therapist_id
    own = _own(caller)
    if therapist_id not in (None, own):
        raise Refused("not_found")
    return own


def filter_of(
    caller: Caller, site_id: UUID | None, therapist_id: UUID | None, day: date | None, zone: str, now: int
) -> Filter:
    """What this caller may see of a day: a therapist the own hours, a clinic desk those of its organisation, or
    of its site. Raises Refused where they ask for somebody else's."""
    therapist_id = whose(caller, therapist_id)
    if caller.role == "clinic_desk" and caller.organisation is None:
        raise Refused("not_found")
    if not at_own_site(caller, site_id):
        raise Refused("not_found")
    number = day.toordinal() - EPOCH_ORDINAL if day else local_day(zone, now)
    minutes = pieces(zone, number)
    span = (minutes[0][0], minutes[-1][1]) if minutes else (0, 0)  # a date that a place left out
    organisation = caller.organisation if caller.role == "clinic_desk" else None
    return Filter(span, site_id, therapist_id, organisation)


def _own(caller: Caller) -> UUID | None:
    try:
        return UUID(caller.subject)
    except ValueError:
        raise Refused("not_found") from None
