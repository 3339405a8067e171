"""A request for care as intake understands it, and the combinations that cannot be meant."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.domain.attendees import Awaited, Participant
from services.intake.domain.contacts import Contact, Window, backwards, without_contradiction
from services.intake.domain.refusals import Refusal
from services.intake.domain.screening import Answers
from services.intake.domain.vocabulary import (
    TIME_ZONE,
    AccessNeed,
    AgeBand,
    BookingMode,
    Channel,
    Gate,
    Gender,
    Kind,
    Language,
    Modality,
    ProblemArea,
    Province,
    RedFlag,
    Source,
    WishAboutKnown,
    WishedGender,
)

# House and street numbers belong to an area; more digits than these are a telephone number or a home.
DIGITS_IN_AN_AREA = 5


@dataclass(frozen=True, slots=True)
class GenderWish:
    """With whom a person would speak; with nobody else if it is a must, which is never relaxed silently."""

    wish: WishedGender
    must: bool = False


@dataclass(frozen=True, slots=True)
class KnownTherapist:
    """Somebody the person was with before, and whether it should be them again or anybody else."""

    therapist_id: UUID
    wish: WishAboutKnown


@dataclass(frozen=True, slots=True)
class EarlierCase:
    """A case the person says was theirs, as they typed its code; with its PIN, or none if a session proves it."""

    case_code: str
    pin: str | None


@dataclass(frozen=True, slots=True)
class Needs:
    """What is asked for. Modalities and languages in order of wish; the fee in whole rupees a session; windows in
    wall time of `time_zone`; the radius round the city in kilometres; payers by their codes."""

    kind: Kind
    modalities: tuple[Modality, ...]
    languages: tuple[Language, ...]
    problem_areas: tuple[ProblemArea, ...]
    province: Province
    city: str | None
    age_band: AgeBand | None
    wanted_times: tuple[Window, ...]
    max_fee: int | None
    therapist_gender: GenderWish | None = None
    faith_sensitive: bool = False
    area: str | None = None
    radius_km: float | None = None
    time_zone: str = TIME_ZONE
    coverage: tuple[str, ...] = ()
    access_needs: tuple[AccessNeed, ...] = ()
    source: Source = "self"
    previous_therapist: KnownTherapist | None = None
    booking_mode: BookingMode = "auto"


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
    `red_flags` the reasons of the step are kept, and the alarm. Who `asks_for_help` raises one by that alone.
    `continues` is the id of an earlier case once that was proved to be the same person's; until then it is what they
    typed.
    """

    needs: Needs
    contact: Contact
    consent: Consent
    answers: Mapping[str, Answers]
    gender: Gender | None = None
    red_flags: tuple[RedFlag, ...] = ()
    continues: EarlierCase | UUID | None = None
    asks_for_help: bool = False
    attendees: tuple[Participant, ...] = ()

    @property
    def proved_earlier(self) -> UUID | None:
        """The earlier case; ValueError if nobody has proved that it was this person's."""
        if isinstance(self.continues, EarlierCase):
            raise ValueError("an earlier case that was not proved")
        return self.continues


def contradictions(needs: Needs, contact: Contact, consent: Consent) -> list[Refusal]:
    """Every combination in which two parts of the request cannot both be meant."""
    return [
        *contradicting_needs(needs),
        *without_contradiction(contact, "/contact"),
        *withheld(consent, contact.channel, "the channel can only be inbox"),
    ]


def contradicting_needs(needs: Needs) -> list[Refusal]:
    """The same of what is asked for alone, as it is when wishes change."""
    return [
        *repeated("/modalities", needs.modalities),
        *repeated("/languages", needs.languages),
        *repeated("/problem_areas", needs.problem_areas),
        *repeated("/coverage", needs.coverage),
        *repeated("/access_needs", needs.access_needs),
        *backwards("/wanted_times", needs.wanted_times),
        *_unreachable_place(needs),
        *_no_area(needs.area),
    ]


def withheld(consent: Consent, channel: Channel, without: str) -> list[Refusal]:
    """What is missing in a consent to begin with; `without` says what follows if nobody may be written to."""
    refusals = []
    if not consent.care:
        refusals.append(Refusal("/consent/care", "consent_needed", "care cannot begin without consent to it"))
    if not consent.contact and channel != "inbox":
        detail = f"without consent to be contacted {without}"
        refusals.append(Refusal("/consent/contact", "consent_needed", detail))
    return refusals


def unknown_text(text_version: str, texts: Collection[str]) -> list[Refusal]:
    """A refusal if what was agreed to is none of these texts."""
    if text_version in texts:
        return []
    return [Refusal("/consent/text_version", "unknown_text", "no such consent text; see /v1/reference")]


def gate(waits_for: Awaited | None, alarm_waits_for_human: bool) -> Gate:
    """Who has to speak before matching may begin."""
    if alarm_waits_for_human:
        return "waits_for_human"
    return "waits_for_consent" if waits_for else "open"


def repeated(pointer: str, codes: Sequence[str]) -> list[Refusal]:
    """A refusal for every code that was named before."""
    return [
        Refusal(f"{pointer}/{index}", "repeated", "named twice")
        for index, code in enumerate(codes)
        if code in codes[:index]
    ]


def _unreachable_place(needs: Needs) -> list[Refusal]:
    if needs.city is not None:
        return []
    if set(needs.modalities) == {"in_person"}:
        return [Refusal("/city", "missing", "care in person alone needs a city to be near to")]
    if needs.area is not None or needs.radius_km is not None:
        return [Refusal("/city", "missing", "an area or a radius needs the city it belongs to")]
    return []


def _no_area(area: str | None) -> list[Refusal]:
    # It travels to matching: what could lead to a door or a telephone stays out of it.
    if area is None or (sum(sign.isdigit() for sign in area) <= DIGITS_IN_AN_AREA and "@" not in area):
        return []
    return [Refusal("/area", "not_an_area", "the name of a neighbourhood, without address or number")]
