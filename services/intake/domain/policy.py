"""All that a clinician has to sign, as one value, and the checks that it does not contradict itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from services.intake.domain.alarms import AlarmPolicy, Outcome
from services.intake.domain.crisis import CrisisLines
from services.intake.domain.gates import AfterClosing, GatePolicy
from services.intake.domain.other_help import OtherHelp
from services.intake.domain.places import Places
from services.intake.domain.red_flags import RedFlags
from services.intake.domain.screening import Instrument
from services.intake.domain.triage import StepTable
from services.intake.domain.vocabulary import CHOICES

TITLE_LANGUAGES = {"en", "ur"}


@dataclass(frozen=True, slots=True)
class Policy:
    """`unsigned` names the files nobody has signed; production does not start with any. `told` are the codes by which
    people are told how their case stands, by group; `titles` are what those and the choices are called, by language."""

    instruments: Mapping[str, Instrument]
    red_flags: RedFlags
    steps: StepTable
    alarms: AlarmPolicy
    gates: GatePolicy
    lines: CrisisLines
    other_help: OtherHelp
    consent_texts: frozenset[str]
    places: Places
    told: Mapping[str, tuple[str, ...]]
    titles: Mapping[str, Mapping[str, Mapping[str, str]]]
    unsigned: tuple[str, ...]


class InconsistentPolicyError(ValueError):
    """A data file contradicts itself; the message names the file's topic, the service does not start."""


def checked(policy: Policy) -> Policy:
    """The same policy, or InconsistentPolicyError: bands with gaps, rows that rise, no line to call."""
    for instrument in policy.instruments.values():
        _check_bands(instrument)
        _check_items(instrument)
    _check_rows(policy.steps)
    _check_alarms(policy.alarms)
    _check_gates(policy.gates)
    _check_instruments_of_rows(policy)
    _check_titles(policy)
    if not policy.other_help.is_whole:
        raise InconsistentPolicyError("other help: a text is missing in a language")
    if not any(line.trust == "public_emergency_number" and not line.provinces for line in policy.lines.lines):
        raise InconsistentPolicyError("crisis lines: no public emergency number for the whole country")
    return policy


def _check_bands(instrument: Instrument) -> None:
    for bands in (instrument.bands, *instrument.bands_of.values()):
        covered = [total for band in bands for total in range(band.least, band.most + 1)]
        if covered != list(instrument.totals):
            raise InconsistentPolicyError(f"{instrument.id}: bands overlap, leave a gap or leave the range")


def _check_items(instrument: Instrument) -> None:
    named = [alarm.item for alarm in instrument.alarms] + list(instrument.must_answer)
    if any(not 1 <= item <= instrument.items for item in named):
        raise InconsistentPolicyError(f"{instrument.id}: an item that does not exist")
    if any(not instrument.least < alarm.at_least <= instrument.most for alarm in instrument.alarms):
        raise InconsistentPolicyError(f"{instrument.id}: an alarm that every or no answer raises")


def _check_rows(steps: StepTable) -> None:
    falling = [row.step for row in steps.rows]
    if falling != sorted(falling, reverse=True):
        raise InconsistentPolicyError("step table: a lighter row stands above a graver one")
    if set(steps.floors) != {"R1", "R2", "R3"}:
        raise InconsistentPolicyError("step table: every alarm level needs a floor")


def _check_alarms(alarms: AlarmPolicy) -> None:
    if set(alarms.within) != {"R1", "R2", "R3"}:
        raise InconsistentPolicyError("alarm policy: every level needs a time")
    if not alarms.within["R3"] <= alarms.within["R2"] <= alarms.within["R1"]:
        raise InconsistentPolicyError("alarm policy: a graver alarm may wait longer than a lighter one")
    if set(alarms.confirm_within) != set(alarms.within):
        raise InconsistentPolicyError("alarm policy: every level needs a time after which the next is asked")
    if alarms.help_level not in alarms.within:
        raise InconsistentPolicyError("alarm policy: a call for help has no level that exists")


def _check_gates(gates: GatePolicy) -> None:
    if set(gates.after_closing) != set(get_args(Outcome)):
        raise InconsistentPolicyError("alarm policy: every outcome needs what follows from it")
    if unknown := set(gates.after_closing.values()) - set(get_args(AfterClosing)):
        raise InconsistentPolicyError(f"alarm policy: nothing is called {', '.join(map(str, unknown))}")


def _check_instruments_of_rows(policy: Policy) -> None:
    for row in policy.steps.rows:
        if row.instrument is None:
            continue
        instrument = policy.instruments.get(row.instrument)
        if instrument is None or row.least not in instrument.totals or row.most not in instrument.totals:
            raise InconsistentPolicyError(f"step table: {row.reason} asks for totals that cannot be")


def _check_titles(policy: Policy) -> None:
    for group, codes in (CHOICES | dict(policy.told)).items():
        named = policy.titles.get(group, {})
        if set(named) != set(codes) or any(set(texts) != TITLE_LANGUAGES for texts in named.values()):
            raise InconsistentPolicyError(
                f"titles: {group} has a code without a title, or a title without a code"
            )
