"""What follows from a request: its readings, its step, who has to speak first, whether to raise an alarm."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.intake.domain import help as calls
from services.intake.domain.alarms import Raised
from services.intake.domain.attendees import Awaited, awaited
from services.intake.domain.policy import Policy
from services.intake.domain.requests import CareRequest, gate
from services.intake.domain.screening import Reading, read
from services.intake.domain.triage import Told, Triage, triage
from services.intake.domain.vocabulary import Gate


@dataclass(frozen=True, slots=True)
class Admission:
    """The decision about one request; `alarm` is the gravest of those it raises, if it raises any; `awaits` whose
    consent is missing."""

    readings: tuple[Reading, ...]
    triage: Triage
    gate: Gate
    awaits: Awaited | None
    alarm: Raised | None


def admit(policy: Policy, request: CareRequest) -> Admission:
    """Alarms come from single answers, never from a total, or from the person; the gate may wait, an alarm does not."""
    readings = tuple(
        read(policy.instruments[name], answers, request.gender) for name, answers in request.answers.items()
    )
    raised = [*policy.red_flags.raised(request.red_flags), *_from_items(readings)]
    raised += [calls.raised(policy.alarms)] * request.asks_for_help
    told = Told(
        request.needs.problem_areas, request.red_flags, readings, frozenset(one.level for one in raised)
    )
    step = triage(policy.steps, told)
    gravest = max(raised, key=lambda one: one.level, default=None)
    human_first = step.waits_for_human or request.asks_for_help
    missing = awaited(request.needs.kind, request.needs.age_band)
    return Admission(readings, step, gate(missing, human_first), missing, gravest)


def _from_items(readings: Sequence[Reading]) -> list[Raised]:
    return [
        Raised(reading.alarm.level, reading.alarm.rule, reading.version)
        for reading in readings
        if reading.alarm
    ]
