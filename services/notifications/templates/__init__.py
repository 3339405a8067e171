"""Reads the data files that say what a message may contain, once, at start: an unfit text stops the start."""

import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from services.notifications.domain.addresses import Reserved
from services.notifications.domain.paging import PagingRules
from services.notifications.domain.staff import StaffRules
from services.notifications.domain.templates import Language, compile_language
from services.notifications.domain.windows import Hours, Limit, Window
from services.notifications.domain.wording import ForbiddenWords, fold

LANGUAGES = Path(__file__).parent
DATA = LANGUAGES.parent / "data"
SENDING_HOURS = DATA / "sending_hours.toml"
LIMITED = frozenset({"sms", "whatsapp", "email"})


@cache
def forbidden_words() -> ForbiddenWords:
    """The lists of all languages together: a message in one language may hold a word of another."""
    content = _read(DATA / "forbidden_words.toml")
    return ForbiddenWords(
        stems=tuple(fold(word) for words in content["stems"].values() for word in words),
        words=frozenset(fold(word) for words in content["words"].values() for word in words),
    )


def load_languages() -> Mapping[str, Language]:
    """Every language that is on, by its tag. Raises UnfitTemplate for a text that is not neutral."""
    forbidden = forbidden_words()
    found = {file.stem: _read(file) for file in sorted(LANGUAGES.glob("*.toml"))}
    return {tag: compile_language(content, forbidden) for tag, content in found.items() if content["on"]}


def load_language(tag: str) -> Language:
    """The one in which staff are told. Raises ValueError, which names all that are on, for another."""
    languages = load_languages()
    if tag not in languages:
        raise ValueError(f"STAFF_LANGUAGE: one of {', '.join(sorted(languages))}")
    return languages[tag]


def read_language(tag: str) -> dict[str, Any]:
    """The content of one language's file as it stands."""
    return _read(LANGUAGES / f"{tag}.toml")


def load_reserved() -> Reserved:
    """The synthetic addresses, the only ones that may be written to outside production."""
    content = _read(DATA / "reserved_addresses.toml")
    return Reserved(
        tuple(content["phone_prefixes"]), frozenset(content["mail_domains"]), tuple(content["mail_endings"])
    )


@cache
def stop_words() -> frozenset[str]:
    """What is answered by whoever wants no messages any more, folded."""
    return frozenset(fold(word) for word in _read(DATA / "stop_words.toml")["words"])


def load_paging_rules() -> PagingRules:
    """How often an unacknowledged alarm is paged."""
    content = _read(DATA / "paging.toml")
    return PagingRules(content["repeat_minutes"], content["otherwise"], content["handed_over"])


def load_staff_rules() -> StaffRules:
    """When staff are told of the hours with them."""
    content = _read(DATA / "staff_news.toml")
    start, end = _minutes(content["start"]), _minutes(content["end"])
    every_day = [Window(day, start, end) for day in range(1, 8)]
    return StaffRules(
        timedelta(minutes=content["gather_minutes"]),
        timedelta(minutes=content["at_once_minutes"]),
        timedelta(hours=content["soon_hours"]),
        Hours(every_day, content["time_zone"]),
    )


def load_limits(file: Path = SENDING_HOURS) -> list[Limit]:
    """The hours within which messages may arrive by rule; what nobody has verified is left out. Raises ValueError or
    KeyError for a row that says none, so that it stops the start."""
    rows = _read(file)["limits"]
    return [_limit(row) for row in rows if isinstance(row.get("verified_on"), date)]


def _limit(row: Mapping[str, Any]) -> Limit:
    windows = [
        Window(day, _minutes(hours["start"]), _minutes(hours["end"]))
        for hours in row["hours"]
        for day in hours["days"]
    ]
    if not windows or not row["source"] or not set(row["channels"]) <= LIMITED:
        raise ValueError(f"{row['id']} needs hours, a source and channels among {sorted(LIMITED)}")
    return Limit(row["id"], frozenset(row["channels"]), Hours(windows, row["time_zone"]))


def _minutes(wall_time: str) -> int:
    hours, minutes = map(int, wall_time.split(":"))
    return hours * 60 + minutes


def _read(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))
