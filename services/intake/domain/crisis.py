"""The crisis card: whom to call now. It depends on place, language and hour, never on an answer."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from services.intake.domain.contacts import Window

Trust = Literal["verified", "public_emergency_number"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `hours` None means at all hours; no `provinces` means the whole country."""

    id: str
    names: dict[str, str]
    dial: str
    then: str | None
    languages: tuple[str, ...]
    provinces: frozenset[str]
    hours: tuple[Window, ...] | None
    trust: Trust
    active: bool
    verified_on: date | None
    verify_every_days: int


@dataclass(frozen=True, slots=True)
class CrisisLines:
    """All lines that are known, the best first, and the words above them per language."""

    version: str
    lines: tuple[Line, ...]
    messages: dict[str, str]
    good_to_know: dict[str, str]


def may_be_shown(line: Line, today: date) -> bool:
    """Public emergency numbers always; any other line only while somebody's call to it is fresh enough."""
    if line.trust == "public_emergency_number":
        return True
    if not line.active or line.verified_on is None:
        return False
    return (today - line.verified_on).days <= line.verify_every_days


def card(lines: CrisisLines, province: str | None, language: str, local_now: datetime) -> dict[str, Any]:
    """The card as it is sent: lines that are open now first; without a province only countrywide ones."""
    fresh = [line for line in lines.lines if may_be_shown(line, local_now.date())]
    shown = [line for line in fresh if not line.provinces or province in line.provinces]
    shown.sort(key=lambda line: not _open_now(line, local_now))
    spoken = language if language in lines.messages else "en"
    query = f"?language={spoken}" + (f"&province={province}" if province else "")
    return {
        "message": {"lang": spoken, "text": lines.messages[spoken]},
        "lines": [_render(line, spoken, local_now) for line in shown],
        "call_me": call_me(None),
        "next": [{"rel": "lines", "href": f"/v1/crisis/lines{query}"}],
    }


def call_me(
    within_minutes: int | None, staffed_now: bool | None = None, next_staffed_at: datetime | None = None
) -> dict[str, Any]:
    """Whether somebody will call, and how soon at the latest. Who asks for help is told; nobody else asked for a call.

    `staffed_now` null: there is no rota, and nobody is told that somebody sits there when that is not known. While it is
    known that nobody does, no minutes are promised.
    """
    possible = within_minutes is not None
    return {
        "possible": possible,
        "staffed_now": staffed_now if possible else False,
        "next_staffed_at": next_staffed_at,
        "within_minutes": None if staffed_now is False else within_minutes,
    }


def card_language(language: str, script: str) -> str:
    """The key of the words to show: English, Urdu in Arabic script, or Urdu in Latin script."""
    return "ur-Latn" if (language, script) == ("ur", "Latn") else language


def _open_now(line: Line, local_now: datetime) -> bool:
    if line.hours is None:
        return True
    minute = local_now.hour * 60 + local_now.minute
    return any(w.day == local_now.isoweekday() and w.start <= minute < w.end for w in line.hours)


def _render(line: Line, language: str, local_now: datetime) -> dict[str, Any]:
    hours = (
        None if line.hours is None else [{"day": w.day, "start": w.start, "end": w.end} for w in line.hours]
    )
    return {
        "id": line.id,
        "name": line.names.get(language, line.names["en"]),
        "dial": line.dial,
        "then": line.then,
        "languages": line.languages,
        "hours": "always" if hours is None else hours,
        "open_now": _open_now(line, local_now),
        "trust": line.trust,
        "checked_on": line.verified_on,
    }
