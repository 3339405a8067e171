"""A request for care as intake understands it, and the combinations that cannot be meant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.intake.domain.contacts import Contact, Window
from services.intake.domain.refusals import Refusal
from services.intake.domain.screening import Answers
from services.intake.domain.vocabulary import (
    MINOR,
    AgeBand,
    Gate,
    Gender,
    Kind,
    Language,
    Modality,
    ProblemArea,
    Province,
    RedFlag,
)


@dataclass(frozen=True, slots=True)
class Needs:
    """What is asked for. Modalities and languages in order of wish; the fee in whole rupees a session."""

    kind: Kind
    modalities: tuple[Modality, ...]
    languages: tuple[Language, ...]
    problem_areas: tuple[ProblemArea, ...]
    province: Province
    city: str | None
    age_band: AgeBand | None
    wanted_times: tuple[Window, ...]
    max_fee: int | None


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person agreed to, in which text and language."""

    care: bool
    contact: bool
    text_version: str
    language: str

    @property
    def purposes(self) -> tuple[str, ...]:
        """What consent was given for."""
        return ("care",) * self.care + ("contact",) * self.contact


@dataclass(frozen=True, slots=True)
class CareRequest:
    """Everything one request for care says, checked and in one spelling.

    `gender` chooses the cut-offs the answers are read by and is kept with them, sealed; nothing else knows it. Of
    `red_flags` the reasons of the step are kept, and the alarm.
    """

    needs: Needs
    contact: Contact
    consent: Consent
    answers: Mapping[str, Answers]
    gender: Gender | None = None
    red_flags: tuple[RedFlag, ...] = ()


def contradictions(needs: Needs, contact: Contact, consent: Consent) -> list[Refusal]:
    """Every combination in which two parts of the request cannot both be meant."""
    return [
        *repeated("/modalities", needs.modalities),
        *repeated("/languages", needs.languages),
        *repeated("/problem_areas", needs.problem_areas),
        *_backwards("/wanted_times", needs.wanted_times),
        *_backwards("/contact/safe_windows", contact.safe_windows),
        *_unreachable_place(needs),
        *_unwritten_script(contact),
        *_unheard_consent(contact, consent),
    ]


def gate(age_band: AgeBand | None, alarm_waits_for_human: bool) -> Gate:
    """Who has to speak before matching may begin: under 18 a guardian, by default (no statute was found)."""
    if alarm_waits_for_human:
        return "waits_for_human"
    return "waits_for_consent" if age_band == MINOR else "open"


def repeated(pointer: str, codes: Sequence[str]) -> list[Refusal]:
    """A refusal for every code that was named before."""
    return [
        Refusal(f"{pointer}/{index}", "repeated", "named twice")
        for index, code in enumerate(codes)
        if code in codes[:index]
    ]


def _backwards(pointer: str, windows: Sequence[Window]) -> list[Refusal]:
    return [
        Refusal(
            f"{pointer}/{index}/end",
            "ends_before_start",
            "a window must end after it starts, on the same day",
        )
        for index, window in enumerate(windows)
        if window.end <= window.start
    ]


def _unreachable_place(needs: Needs) -> list[Refusal]:
    if needs.city is None and set(needs.modalities) == {"in_person"}:
        return [Refusal("/city", "missing", "care in person alone needs a city to be near to")]
    return []


def _unwritten_script(contact: Contact) -> list[Refusal]:
    if contact.script == "Latn":
        return []
    return [Refusal("/contact/script", "not_offered", "messages are written in Latin script only, so far")]


def _unheard_consent(contact: Contact, consent: Consent) -> list[Refusal]:
    refusals = []
    if not consent.care:
        refusals.append(Refusal("/consent/care", "consent_needed", "care cannot begin without consent to it"))
    if not consent.contact and contact.channel != "inbox":
        detail = "without consent to be contacted the channel can only be inbox"
        refusals.append(Refusal("/consent/contact", "consent_needed", detail))
    return refusals
