"""What follows from a request: its readings, its step, who has to speak first, whether to raise an alarm."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.intake.domain.alarms import Raised
from services.intake.domain.policy import Policy
from services.intake.domain.requests import CareRequest, gate
from services.intake.domain.screening import Reading, read
from services.intake.domain.triage import Told, Triage, triage
from services.intake.domain.vocabulary import Gate


@dataclass(frozen=True, slots=True)
class Admission:
    """The decision about one request; `alarm` is the gravest of those it raises, if it raises any."""

    readings: tuple[Reading, ...]
    triage: Triage
    gate: Gate
    alarm: Raised | None


def admit(policy: Policy, request: CareRequest) -> Admission:
    """Alarms come from single answers and never from a total; the gate may wait, the alarm does not."""
    readings = tuple(
        read(policy.instruments[name], answers, request.gender) for name, answers in request.answers.items()
    )
    raised = [*policy.red_flags.raised(request.red_flags), *_from_items(readings)]
    told = Told(
        request.needs.problem_areas, request.red_flags, readings, frozenset(one.level for one in raised)
    )
    step = triage(policy.steps, told)
    gravest = max(raised, key=lambda one: one.level, default=None)
    return Admission(readings, step, gate(request.needs.age_band, step.waits_for_human), gravest)


def _from_items(readings: Sequence[Reading]) -> list[Raised]:
    return [
        Raised(reading.alarm.level, reading.alarm.rule, reading.version)
        for reading in readings
        if reading.alarm
    ]
