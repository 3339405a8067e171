"""A file for people's own calendar: as the standard wants it, right on booking, change and cancellation, and neutral."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduling.domain.calendar_files import Language, Spot, calendar_file
from services.scheduling.domain.wall_time import moment_of
from tests.scheduling.test_attendance import AN_HOUR

UID = uuid4()
MADE = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
# RFC 5545, 3.1: a name, parameters whose values hold none of `;:,` here, and a value without control characters.
LINE = re.compile(r"([A-Z-]+)((?:;[A-Z-]+=[^;:,\x00-\x1f]+)*):([^\x00-\x08\x0a-\x1f\x7f]*)")
NEUTRAL = re.compile(
    r"therap|mental|health|psych|counsel|clinic|hospital|humqadam-network|rehmat", re.IGNORECASE
)


def read(file: str) -> list[tuple[str, str, str]]:
    """Name, parameters and unescaped value of every line, read by the grammar of RFC 5545 and by nothing of ours."""
    octets = file.encode()
    assert octets.endswith(b"\r\n")
    rows = octets[:-2].split(b"\r\n")
    assert all(len(row) <= 75 and b"\n" not in row and b"\r" not in row for row in rows)
    for row in rows:
        row.decode()  # no row is cut inside a letter
    lines = octets[:-2].replace(b"\r\n ", b"").decode().split("\r\n")
    found = [LINE.fullmatch(line) for line in lines]
    assert all(found), lines
    return [(one[1], one[2], unescaped(one[3])) for one in found if one]


def unescaped(value: str) -> str:
    """RFC 5545, 3.3.11. Raises AssertionError for what may not stand unescaped."""
    parts = re.findall(r"\\[\\;,nN]|[^\\]", value)
    assert "".join(parts) == value
    return "".join({"\\n": "\n", "\\N": "\n"}.get(one, one[-1]) for one in parts)


def values(file: str) -> dict[str, str]:
    return {name: value for name, _, value in read(file) if name not in ("BEGIN", "END")}


def test_a_booked_hour_is_a_request_with_everything_the_standard_wants() -> None:
    found = values(calendar_file(AN_HOUR, UID, None, "en", MADE))
    assert found == {
        "VERSION": "2.0",
        "PRODID": "-//Humqadam//Appointments//EN",
        "CALSCALE": "GREGORIAN",
        "METHOD": "REQUEST",
        "UID": str(UID),
        "SEQUENCE": "3",
        "DTSTAMP": "20261120T093000Z",
        "DTSTART": moment_of(AN_HOUR.start).strftime("%Y%m%dT%H%M%SZ"),
        "DTEND": moment_of(AN_HOUR.end).strftime("%Y%m%dT%H%M%SZ"),
        "SUMMARY": "Appointment",
        "ORGANIZER": "invalid:nomail",
        "ATTENDEE": "invalid:nomail",
        "STATUS": "CONFIRMED",
        "CLASS": "PRIVATE",
        "TRANSP": "OPAQUE",
    }


def test_the_parts_of_the_file_are_closed_in_the_order_in_which_they_were_opened() -> None:
    lines = read(calendar_file(AN_HOUR, UID, None, "en", MADE))
    marks = [(name, value) for name, _, value in lines if name in ("BEGIN", "END")]
    assert marks == [
        ("BEGIN", "VCALENDAR"), ("BEGIN", "VEVENT"), ("END", "VEVENT"), ("END", "VCALENDAR"),
    ]  # fmt: skip
    assert [name for name, _, _ in lines].index("METHOD") < [name for name, _, _ in lines].index("UID")


def test_a_change_keeps_the_uid_and_raises_the_sequence_and_a_cancellation_takes_the_hour_out() -> None:
    moved = replace(AN_HOUR, version=4, start=AN_HOUR.start + 60, end=AN_HOUR.end + 60)
    gone = replace(moved, version=5, state="cancelled")
    files = [values(calendar_file(one, UID, None, "en", MADE)) for one in (AN_HOUR, moved, gone)]
    assert [(one["METHOD"], one["STATUS"], one["SEQUENCE"]) for one in files] == [
        ("REQUEST", "CONFIRMED", "3"), ("REQUEST", "CONFIRMED", "4"), ("CANCEL", "CANCELLED", "5"),
    ]  # fmt: skip
    assert len({(one["UID"], one["ORGANIZER"]) for one in files}) == 1
    assert files[1]["DTSTART"] != files[0]["DTSTART"]


def test_an_hour_that_is_not_certain_is_tentative() -> None:
    provisional = replace(AN_HOUR, why="to_be_confirmed")
    assert values(calendar_file(provisional, UID, None, "en", MADE))["STATUS"] == "TENTATIVE"


@pytest.mark.parametrize("language", ["en", "ur"])
def test_the_file_names_nobody_and_nothing(language: Language) -> None:
    spot = Spot("Lahore", {"en": "Main gate, then the front desk."})
    file = calendar_file(AN_HOUR, UID, spot, language, MADE)
    assert not NEUTRAL.search(file)
    for secret in (
        AN_HOUR.id,
        AN_HOUR.case_id,
        AN_HOUR.therapist_id,
        *AN_HOUR.person_ids,
        *AN_HOUR.attendee_ids,
    ):
        assert str(secret) not in file
    assert values(file)["LOCATION"] == "Main gate, then the front desk., Lahore"


def test_where_to_go_is_told_in_the_language_asked_for_and_else_in_english() -> None:
    spot = Spot("Lahore", {"en": "Main gate.", "ur": "مرکزی دروازہ؛ پھر استقبالیہ۔"})
    assert (
        values(calendar_file(AN_HOUR, UID, spot, "ur", MADE))["LOCATION"]
        == "مرکزی دروازہ؛ پھر استقبالیہ۔, Lahore"
    )
    assert values(calendar_file(AN_HOUR, UID, Spot("Lahore", {}), "ur", MADE))["LOCATION"] == "Lahore"


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\\;,\n:\"'"), max_size=300))
def test_whatever_the_directions_are_they_come_through_folding_and_escaping(directions: str) -> None:
    found = values(calendar_file(AN_HOUR, UID, Spot("Lahore", {"en": directions}), "en", MADE))
    assert found["LOCATION"] == (f"{directions}, Lahore" if directions else "Lahore")


def test_the_moment_of_the_file_is_told_in_utc() -> None:
    karachi = MADE.astimezone(tz=None) + timedelta()
    assert values(calendar_file(AN_HOUR, UID, None, "en", karachi))["DTSTAMP"] == "20261120T093000Z"
