"""What follows from a request: its readings, its step, who has to speak first, whether to raise an alarm."""

from dataclasses import dataclass

from services.intake.domain.policy import Policy
from services.intake.domain.requests import CareRequest, gate
from services.intake.domain.screening import Reading, read
from services.intake.domain.triage import Triage, triage
from services.intake.domain.vocabulary import Gate


@dataclass(frozen=True, slots=True)
class Admission:
    """The decision about one request; `alarming` is the reading with the gravest alarm, if any has one."""

    readings: tuple[Reading, ...]
    triage: Triage
    gate: Gate
    alarming: Reading | None


def admit(policy: Policy, request: CareRequest) -> Admission:
    """Alarms come from single items and never from the total; the gate may wait, the alarm does not."""
    readings = tuple(
        read(policy.instruments[name], answers, request.gender) for name, answers in request.answers.items()
    )
    step = triage(policy.steps, request.needs.problem_areas, readings)
    alarming = max((reading for reading in readings if reading.alarm), key=_level, default=None)
    return Admission(readings, step, gate(request.needs.age_band, step.waits_for_human), alarming)


def _level(reading: Reading) -> str:
    return reading.alarm.level if reading.alarm else ""
