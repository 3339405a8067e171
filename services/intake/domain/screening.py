"""Screening, not diagnosis: totals, bands and the alarms that one single answer raises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.intake.domain.refusals import Refusal
from services.intake.domain.vocabulary import Gender, Level

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
    """One questionnaire's scoring, as its data file gives it; no item text.

    Each item is answered from `least` to `most`; the total is the sum, times `scale`. With `has_gate` the first item is
    a question that is not counted: who answers it with `least` has a total of 0, whatever else was answered. Where the
    cut-off depends on gender, `bands_of` has the bands that differ from `bands`.
    """

    id: str
    version: str
    name: str
    items: int
    least: int
    most: int
    bands: tuple[Band, ...]
    alarms: tuple[ItemAlarm, ...]
    must_answer: tuple[int, ...]
    scale: int = 1
    has_gate: bool = False
    bands_of: Mapping[Gender, tuple[Band, ...]] = field(default_factory=dict)
    ages: str | None = None
    text_status: str = "not_bundled"

    @property
    def totals(self) -> range:
        """Every total there can be, and for a scaled one those between."""
        counted = (self.items - self.has_gate) * self.scale
        return range(counted * self.least, counted * self.most + 1)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the answers say. A missing answer is never zero: without all of them there is no total."""

    instrument: str
    version: str
    total: int | None
    band: str | None
    alarm: ItemAlarm | None
    follow_up: tuple[int, ...]


def unknown(instrument: str) -> Refusal:
    """The refusal of answers to an instrument nobody here scores."""
    return Refusal(f"/answers/{instrument}", "unknown_instrument", "no such instrument; see /v1/reference")


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


def read(instrument: Instrument, answers: Answers, gender: Gender | None = None) -> Reading:
    """The reading of answers that fit. Items that must be answered and are not are given for follow-up."""
    total = _total(instrument, answers)
    return Reading(
        instrument.id,
        instrument.version,
        total,
        None if total is None else _band(instrument, total, gender),
        _gravest(instrument, answers),
        tuple(item for item in instrument.must_answer if answers[item - 1] is None),
    )


def _total(instrument: Instrument, answers: Answers) -> int | None:
    if instrument.has_gate and answers[0] == instrument.least:
        return 0
    given = [answer for answer in answers if answer is not None]
    if len(given) < instrument.items:
        return None
    return sum(given[instrument.has_gate :]) * instrument.scale


def _band(instrument: Instrument, total: int, gender: Gender | None) -> str:
    bands = instrument.bands_of.get(gender, instrument.bands) if gender else instrument.bands
    return next(band.code for band in bands if band.least <= total <= band.most)


def _gravest(instrument: Instrument, answers: Answers) -> ItemAlarm | None:
    raised = [
        alarm
        for alarm in instrument.alarms
        if (answer := answers[alarm.item - 1]) is not None and answer >= alarm.at_least
    ]
    return max(raised, key=lambda alarm: alarm.level, default=None)
