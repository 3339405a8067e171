"""Texts a person receives: loaded strictly, filled from six plain variables, neutral or not loaded at all.

`str.format_map` with an allow-list and not Jinja2: the values are six flat strings, so there is nothing to
loop or test; a format string that names no attribute, index or conversion has no code to sandbox (Jinja2's
sandbox is none for untrusted authors); and it renders in 1 µs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from string import Formatter
from typing import Any

from services.notifications.domain.windows import zone
from services.notifications.domain.wording import ForbiddenWords, findings

VARIABLES = frozenset({"time", "day", "code", "pin", "place", "count"})
PURPOSES = frozenset(
    {
        "booked",
        "booked_provisional",
        "changed",
        "changed_provisional",
        "changed_way",
        "displaced",
        "cancelled",
        "cancelled_as_asked",
        "cancelled_at_the_end",
        "reminder",
        "reminder_provisional",
        "checkin",
        "waitlisted",
        "alternative",
        "offer",
        "consent_request",
        "invitation",
        "page",
        "new_booking",
        "new_bookings",
        "changed_booking",
        "changed_bookings",
        "cancelled_booking",
        "gone_booking",
    }
)
MODALITIES = frozenset({"video", "audio", "phone", "in_person"})
RIGHT_TO_LEFT = frozenset({"Arab"})
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"


class UnfitTemplate(Exception):
    """A text that may not be sent: a forbidden word, an unknown variable, a missing purpose."""


@dataclass(frozen=True, slots=True)
class Text:
    """One message in one language; `subject` is for mail only. `variables` are the names that the body asks for, in their
    order; of a finished text what stands in their places, which is all that leaves us where a text is approved first."""

    subject: str
    body: str
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Language:
    """One language's texts and how it names days, times and places."""

    tag: str
    version: str
    script: str
    days: Sequence[str]
    months: Sequence[str]
    parts_of_day: Sequence[tuple[int, str]]
    day: str
    time: str
    places: Mapping[str, str]
    texts: Mapping[str, Text]


def compile_language(content: Mapping[str, Any], forbidden: ForbiddenWords) -> Language:
    """A language from its data file's content; raises UnfitTemplate naming the purpose and the finding."""
    language = Language(
        tag=content["language"],
        version=content["version"],
        script=content["script"],
        days=tuple(content["days"]),
        months=tuple(content["months"]),
        parts_of_day=tuple((int(start), name) for start, name in content["parts_of_day"]),
        day=content["day"],
        time=content["time"],
        places=content["places"],
        texts={
            name: Text(text["subject"], text["text"], tuple(_variables(text["text"])))
            for name, text in content["purposes"].items()
        },
    )
    for problem in _problems(language, forbidden):
        raise UnfitTemplate(f"{language.tag}: {problem}")
    return language


def _problems(language: Language, forbidden: ForbiddenWords) -> Iterator[str]:
    if len(language.days) != 7 or len(language.months) != 12:
        yield "needs 7 days and 12 months"
    if set(language.places) != MODALITIES or set(language.texts) != PURPOSES:
        yield "needs a place for every modality and a text for every purpose"
    for purpose, text in language.texts.items():
        yield from _misfits(purpose, text)
    for name, words in _all_words(language):
        if found := findings(words, forbidden):
            yield f"{name} is not neutral: {', '.join(found)}"


def _misfits(purpose: str, text: Text) -> Iterator[str]:
    for variable in _variables(text.subject + text.body):
        if variable not in VARIABLES:
            yield f"{purpose} uses the unknown variable {variable!r}"
    if any(sign in text.subject for sign in "{}\r\n"):
        yield f"{purpose} has a subject that is not one plain line"


def _variables(text: str) -> Iterator[str]:
    """The names a text asks for; anything but a bare name comes out as something no allow-list holds."""
    for _, name, detail, conversion in Formatter().parse(text):
        if name is not None:
            yield name if not detail and conversion is None else f"{name}!{conversion}:{detail}"


def _all_words(language: Language) -> Iterator[tuple[str, str]]:
    for purpose, text in language.texts.items():
        yield purpose, text.subject
        yield purpose, text.body
    for word in (*language.days, *language.months, *language.places.values(), language.day, language.time):
        yield "wording", word


def describe_time(language: Language, at: datetime, time_zone: str) -> tuple[str, str]:
    """The day and the time of a moment in local words: ("Tue 5 Jan", "4:00 pm")."""
    local = at.astimezone(zone(time_zone))
    part = [name for start, name in language.parts_of_day if start <= local.hour][-1]
    day = language.day.format(
        weekday=language.days[local.weekday()], date=local.day, month=language.months[local.month - 1]
    )
    time = language.time.format(hour=(local.hour + 11) % 12 + 1, minute=f"{local.minute:02}", part=part)
    return day, time


def isolated(language: Language, value: str) -> str:
    """A value that turns nothing round it (UAX #9), only where the script runs from right to left: an isolate in a
    Latin SMS would turn all of it into UCS-2 and double its price."""
    return f"{FIRST_STRONG_ISOLATE}{value}{POP_ISOLATE}" if language.script in RIGHT_TO_LEFT else value


def render(language: Language, purpose: str, values: Mapping[str, str]) -> Text:
    """The finished text, each value isolated."""
    values = {name: isolated(language, value) for name, value in values.items()}
    text = language.texts[purpose]
    return Text(text.subject, text.body.format_map(values), tuple(values[name] for name in text.variables))


def choose(languages: Mapping[str, Language], language: str, script: str) -> Language:
    """The person's language in the person's script; then the language in any script; then English."""
    exact = languages.get(f"{language}-{script}") or languages.get(language)
    if exact is not None:
        return exact
    near = (known for tag, known in sorted(languages.items()) if tag.partition("-")[0] == language)
    return next(near, languages["en"])
