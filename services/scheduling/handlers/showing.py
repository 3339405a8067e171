"""What staff and people read of appointments over HTTP: a day page by page, and a file for their own calendar."""

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from services.scheduling.domain import agenda as domain
from services.scheduling.domain.agenda import HOME_ZONE, Place
from services.scheduling.domain.appointments import Appointment
from services.scheduling.domain.calendar_files import Language, Spot, calendar_file
from services.scheduling.domain.changes import Caller
from services.scheduling.domain.refusals import Refused
from services.scheduling.domain.wall_time import minute_of
from services.scheduling.handlers import changing
from services.scheduling.repository import agenda, places, roster
from shared.messaging import Transaction


@dataclass(frozen=True, slots=True)
class Asked:
    """A day by a site, by a therapist, or all that the caller may see; without a day today, as the clock is there."""

    day: date | None = None
    site_id: UUID | None = None
    therapist_id: UUID | None = None


async def day(
    tx: Transaction, asked: Asked, caller: Caller, after: Place | None, limit: int
) -> list[Appointment]:
    """A page of a day. Raises Refused where the site or the therapist is none of theirs."""
    if asked.site_id is None:
        asked = replace(asked, site_id=caller.site_id)
    zone = await _zone(tx, asked, caller)
    now = minute_of(tx.now)
    only = domain.filter_of(caller, asked.site_id, asked.therapist_id, asked.day, zone, now)
    return await agenda.page(tx, only, after, limit)


async def calendar(
    tx: Transaction, appointment_id: UUID, caller: Caller, language: Language
) -> tuple[Appointment, str]:
    """The appointment and its file. Raises Refused."""
    appointment = await changing.show(tx, appointment_id, caller)
    uid = await agenda.calendar_uid(tx, appointment_id)
    spot = await _spot(tx, appointment.site_id) if appointment.site_id else None
    return appointment, calendar_file(appointment, uid, spot, language, tx.now)


async def _spot(tx: Transaction, site_id: UUID) -> Spot | None:
    found = await places.find_site(tx, site_id)
    return Spot(found[0].city, found[0].directions) if found else None


async def _zone(tx: Transaction, asked: Asked, caller: Caller) -> str:
    """The zone of the day: the site's, else the therapist's. What is another organisation's is not found."""
    zone = HOME_ZONE
    if (therapist_id := domain.whose(caller, asked.therapist_id)) is not None:
        known = (await roster.read(tx, [therapist_id])).get(therapist_id)
        if asked.therapist_id is not None and (known is None or not _sees(caller, known.organisation)):
            raise Refused("not_found")
        zone = known.calendar.time_zone if known and known.calendar else zone
    if asked.site_id is not None:
        found = await places.find_site(tx, asked.site_id)
        if found is None or not _sees(caller, found[0].organisation):
            raise Refused("not_found")
        zone = found[0].time_zone
    return zone


def _sees(caller: Caller, organisation: str) -> bool:
    return caller.role != "clinic_desk" or caller.organisation == organisation
