"""An appointment as a file for people's own calendars (RFC 5545, RFC 5546): what others may see on a screen, no more.

One file asks a calendar to keep the hour (REQUEST), to move it, which is the same with a higher sequence, or to take it
out (CANCEL). It names nobody: no therapist, no organisation, no description.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from services.scheduling.domain.appointments import Appointment
from services.scheduling.domain.wall_time import moment_of

Language = Literal["en", "ur"]
Method = Literal["REQUEST", "CANCEL"]

SUMMARY: Mapping[Language, str] = {"en": "Appointment", "ur": "ملاقات"}
# The same in every file of an appointment, or a calendar takes a cancellation for somebody else's. It is no address:
# nobody is to answer, and RFC 5546 wants both lines.
NOBODY = "invalid:nomail"
LONGEST = 75  # octets of a line, without its end


@dataclass(frozen=True, slots=True)
class Spot:
    """Where people are seen: neutral directions by language."""

    city: str
    directions: Mapping[str, str]


def method_of(appointment: Appointment) -> Method:
    """What the file asks a calendar to do."""
    return "CANCEL" if appointment.state == "cancelled" else "REQUEST"


def calendar_file(
    appointment: Appointment, uid: UUID, spot: Spot | None, language: Language, now: datetime
) -> str:
    """The file; `now` is when it is made, `uid` what the appointment is called in calendars, for ever."""
    return "".join(_folded(line) for line in _lines(appointment, uid, spot, language, now))


def _lines(
    appointment: Appointment, uid: UUID, spot: Spot | None, language: Language, now: datetime
) -> Iterator[str]:
    yield from (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Humqadam//Appointments//EN",
        "CALSCALE:GREGORIAN",
    )
    yield from (f"METHOD:{method_of(appointment)}", "BEGIN:VEVENT")
    yield from (f"UID:{uid}", f"SEQUENCE:{appointment.version}", f"DTSTAMP:{_utc(now)}")
    yield from (f"DTSTART:{_utc(moment_of(appointment.start))}", f"DTEND:{_utc(moment_of(appointment.end))}")
    yield f"SUMMARY;LANGUAGE={language}:{_escaped(SUMMARY[language])}"
    if spot is not None:
        yield f"LOCATION:{_escaped(_where(spot, language))}"
    yield from (f"ORGANIZER:{NOBODY}", f"ATTENDEE;RSVP=FALSE:{NOBODY}")
    yield from (f"STATUS:{_status(appointment)}", "CLASS:PRIVATE", "TRANSP:OPAQUE")
    yield from ("END:VEVENT", "END:VCALENDAR")


def _status(appointment: Appointment) -> str:
    if appointment.state == "cancelled":
        return "CANCELLED"
    return "TENTATIVE" if appointment.certainty == "provisional" else "CONFIRMED"


def _where(spot: Spot, language: Language) -> str:
    told = spot.directions.get(language) or spot.directions.get("en")
    return f"{told}, {spot.city}" if told else spot.city


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _escaped(text: str) -> str:
    for character in ("\\", ";", ","):
        text = text.replace(character, f"\\{character}")
    return text.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _folded(line: str) -> str:
    """At most 75 octets in a row, never cut inside a letter; a row that goes on begins with a space."""
    rows, row, size = [], "", 0
    for letter in line:
        octets = len(letter.encode())
        if size + octets > LONGEST:
            rows.append(row)
            row, size = " ", 1
        row, size = row + letter, size + octets
    return "".join(f"{one}\r\n" for one in [*rows, row])
