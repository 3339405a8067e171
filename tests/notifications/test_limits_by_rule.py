"""Hours by rule: a row limits messages from the day somebody has read its source, and none before."""

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from services.notifications.domain.sending import Contact, Due, Later, Send, Skip, Subject, decide
from services.notifications.domain.windows import Window
from services.notifications.templates import SENDING_HOURS, load_limits
from shared.contracts.intake import WeeklyWindow
from tests.notifications.facts import Desk, a_booking
from tests.notifications.outside import OutsideWorld
from tests.notifications.senders import sending, settled
from tests.waiting import until

ROW = """
[[limits]]
id = "a-rule"
channels = ["sms"]
time_zone = "Asia/Karachi"
source = "a page that somebody has read"
hours = [{days = [1, 2, 3, 4, 5, 6, 7], start = "09:00", end = "21:00"}]
"""
VERIFIED = ROW + "verified_on = 2026-11-27\n"
NIGHT = datetime(2027, 1, 4, 18, 0, tzinfo=UTC)  # 23:00 in Karachi
MORNING = datetime(2027, 1, 5, 4, 0, tzinfo=UTC)
ALWAYS = tuple(Window(day, 0, 1440) for day in range(1, 8))


def a_message(channel: str, windows: tuple[Window, ...] = ALWAYS) -> Due:
    contact = Contact([channel], windows, "Asia/Karachi", datetime(2027, 3, 1, tzinfo=UTC), has_address=True)  # type: ignore[list-item]
    subject = Subject(1, "booked", datetime(2027, 1, 8, tzinfo=UTC))
    return Due("booked", 1, None, stopped=False, held=False, subject=subject, contact=contact)


def limits_of(folder: Path, text: str) -> list[object]:
    file = folder / "hours.toml"
    file.write_text(text)
    return list(load_limits(file))


def test_no_rule_limits_anything_here_before_somebody_has_read_it() -> None:
    rows = tomllib.loads(SENDING_HOURS.read_text())["limits"]
    assert load_limits() == [] or all(row.get("verified_on") for row in rows)
    assert all(row["source"] for row in rows)


def test_an_unverified_row_limits_nothing_and_a_verified_one_its_channel(tmp_path: Path) -> None:
    assert limits_of(tmp_path, ROW) == []
    limits = load_limits(tmp_path / "hours.toml")
    assert decide(a_message("sms"), NIGHT, limits) == Send("sms")
    limits_of(tmp_path, VERIFIED)
    limits = load_limits(tmp_path / "hours.toml")
    assert decide(a_message("sms"), NIGHT, limits) == Later(MORNING)
    assert decide(a_message("sms"), MORNING, limits) == Send("sms")
    assert decide(a_message("email"), NIGHT, limits) == Send("email")


def test_somebody_who_is_safe_at_night_alone_is_not_written_to_against_a_rule(tmp_path: Path) -> None:
    limits_of(tmp_path, VERIFIED)
    nights = tuple(Window(day, 1380, 1440) for day in range(1, 8))
    limits = load_limits(tmp_path / "hours.toml")
    assert decide(a_message("sms", nights), NIGHT, limits) == Skip("no_safe_window")


async def test_the_sender_waits_for_the_hours_of_a_rule_and_sends_then(
    desk: Desk, outside: OutsideWorld, tmp_path: Path
) -> None:
    limits_of(tmp_path, VERIFIED)
    limits = load_limits(tmp_path / "hours.toml")
    person, desk.now = uuid4(), NIGHT
    always = tuple(WeeklyWindow(day=day, start=0, end=1440) for day in range(1, 8))
    booking = a_booking(person, start=NIGHT + timedelta(days=4))
    await desk.tell(outside.a_contact(person, safe_windows=always), booking)
    async with sending(desk, outside, limits=limits):
        await until(lambda: waits_until(desk, MORNING), "it waits for the morning")
        assert outside.received("sms") == []
        desk.now = MORNING
        await settled(desk, "sent")
    assert len(outside.received("sms")) == 1


async def waits_until(desk: Desk, moment: datetime) -> bool:
    return ("booked", "planned", moment) in await desk.messages("purpose", "state", "next_at")


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ('channels = ["sms"]', 'channels = ["pigeon"]'),
        ('source = "a page that somebody has read"', 'source = ""'),
        ('hours = [{days = [1, 2, 3, 4, 5, 6, 7], start = "09:00", end = "21:00"}]', "hours = []"),
        ('start = "09:00"', 'start = "nine"'),
        ('start = "09:00", ', ""),
    ],
)
def test_a_row_that_says_nothing_stops_the_start(tmp_path: Path, line: str, instead: str) -> None:
    assert line in VERIFIED
    with pytest.raises((ValueError, KeyError)):
        limits_of(tmp_path, VERIFIED.replace(line, instead))
