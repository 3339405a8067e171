"""Screening, not diagnosis: totals, bands and the alarms that one single answer raises."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.intake.domain.refusals import Refusal
from services.intake.domain.vocabulary import Level

Answers = tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Band:
    """Totals from `least` to `most`, both included."""

    code: str
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class ItemAlarm:
    """An answer of `at_least` to this item (counted from 1) raises `level`, whatever the total."""

    item: int
    at_least: int
    level: Level
    rule: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """One questionnaire's scoring, as its data file gives it; no item text."""

    id: str
    version: str
    items: int
    least: int
    most: int
    bands: tuple[Band, ...]
    alarms: tuple[ItemAlarm, ...]
    must_answer: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What the answers say. A missing answer is never zero: without all of them there is no total."""

    instrument: str
    version: str
    total: int | None
    band: str | None
    alarm: ItemAlarm | None
    follow_up: tuple[int, ...]


def misfits(instrument: Instrument, answers: Sequence[int | None]) -> list[Refusal]:
    """Every way in which the answers do not fit the instrument."""
    pointer = f"/answers/{instrument.id}"
    if len(answers) != instrument.items:
        detail = f"{instrument.items} answers are needed; null stands for one not given"
        return [Refusal(pointer, "wrong_length", detail)]
    detail = f"answers go from {instrument.least} to {instrument.most}"
    return [
        Refusal(f"{pointer}/{index}", "out_of_range", detail)
        for index, answer in enumerate(answers)
        if answer is not None and not instrument.least <= answer <= instrument.most
    ]


def read(instrument: Instrument, answers: Answers) -> Reading:
    """The reading of answers that fit. Items that must be answered and are not are given for follow-up."""
    given = [answer for answer in answers if answer is not None]
    total = sum(given) if len(given) == instrument.items else None
    return Reading(
        instrument.id,
        instrument.version,
        total,
        None if total is None else _band(instrument, total),
        _gravest(instrument, answers),
        tuple(item for item in instrument.must_answer if answers[item - 1] is None),
    )


def _band(instrument: Instrument, total: int) -> str:
    return next(band.code for band in instrument.bands if band.least <= total <= band.most)


def _gravest(instrument: Instrument, answers: Answers) -> ItemAlarm | None:
    raised = [
        alarm
        for alarm in instrument.alarms
        if (answer := answers[alarm.item - 1]) is not None and answer >= alarm.at_least
    ]
    return max(raised, key=lambda alarm: alarm.level, default=None)
