"""What people send, as strict models: no unknown field, no text for a number, no number for a text."""

from functools import lru_cache
from typing import Annotated, Any, Literal
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from services.intake.domain import contacts, requests
from services.intake.domain.attendees import MOST, Participant
from services.intake.domain.vocabulary import (
    TIME_ZONE,
    AccessNeed,
    AgeBand,
    AttendeeRole,
    BookingMode,
    Channel,
    Gender,
    Kind,
    Language,
    MessageLanguage,
    Modality,
    Owner,
    ProblemArea,
    Province,
    RedFlag,
    Script,
    Source,
    WishAboutKnown,
    WishedGender,
    WithdrawReason,
)
from shared.web import PlainText

WallTime = Annotated[str, StringConstraints(pattern=r"^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
Name = Annotated[PlainText, StringConstraints(min_length=1, max_length=80)]
# Payers agree their own codes with whoever deploys this: there is no list, so the form is all that is checked.
PayerCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{1,39}$")]
# Those of the IANA database by their names, without what machines keep beside them (`localtime`, `Factory`).
ZONES = frozenset(name for name in available_timezones() if "/" in name) | {"UTC"}


def _known_zone(name: str) -> str:
    if name not in ZONES:
        raise PydanticCustomError(
            "unknown_time_zone", "No such time zone; names are those of the IANA database."
        )
    return name


Zone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known_zone)]

EXAMPLE: dict[str, Any] = {
    "kind": "individual",
    "modalities": ["video", "in_person"],
    "languages": ["ur", "en"],
    "problem_areas": ["anxiety"],
    "province": "PK-PB",
    "city": "Lahore",
    "age_band": "25-34",
    "wanted_times": [{"day": 1, "start": "17:00", "end": "20:00"}],
    "max_fee": 2000,
    "contact": {
        "channel": "sms",
        "address": "0399 1234567",
        "language": "en",
        "script": "Latn",
        "safe_windows": [{"day": 1, "start": "09:00", "end": "21:00"}],
        "owner": "own",
    },
    "consent": {"care": True, "contact": True, "text_version": "2026-01"},
    "answers": {"phq9": [0, 1, 2, 0, 1, 0, 1, 0, 0]},
    "therapist_gender": {"wish": "woman", "must": True},
    "faith_sensitive": True,
    "area": "Model Town",
    "radius_km": 8,
    "access_needs": ["step_free"],
    "coverage": ["hospital-staff"],
    "source": "gp",
    "previous_therapist": {"therapist_id": "6f0b0d52-6a3e-5d0c-9c55-2f6d7f1f8a10", "wish": "not_again"},
    "time_zone": "Asia/Karachi",
    "booking_mode": "auto",
}

SMALLEST: dict[str, Any] = {
    "modalities": ["video"],
    "languages": ["ur"],
    "province": "PK-PB",
    "contact": {"channel": "sms", "address": "0399 1234567"},
    "consent": {"care": True, "contact": True, "text_version": "2026-01"},
}


COUPLE: dict[str, Any] = SMALLEST | {
    "kind": "couple",
    "attendees": [
        {
            "role": "partner",
            "consent": "invited",
            "contact": {"channel": "sms", "address": "0399 7654321"},
        }
    ],
}


class Sent(BaseModel):
    """What all of these have in common."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class WindowSent(Sent):
    """A window in local wall time, on one ISO day of every week."""

    day: Annotated[int, Field(ge=1, le=7)]
    start: WallTime
    end: WallTime

    def meant(self) -> contacts.Window:
        return contacts.Window(self.day, _minutes(self.start), _minutes(self.end))


Windows = Annotated[tuple[WindowSent, ...], Field(max_length=28)]


class ContactSent(Sent):
    """How the person may be reached; no windows means between nine and nine. `then`: where a message may go when
    `channel` fails, in this order, and nowhere else."""

    channel: Channel
    address: Annotated[str, StringConstraints(max_length=254)] | None = None
    language: MessageLanguage = "en"
    script: Script = "Latn"
    safe_windows: Windows = ()
    owner: Owner = "own"
    then: Annotated[tuple[Channel, ...], Field(max_length=3)] = ()

    def meant(self) -> contacts.Contact:
        windows = tuple(window.meant() for window in self.safe_windows) or contacts.USUAL_WINDOWS
        return contacts.Contact(
            self.channel, self.address, self.language, self.script, windows, self.owner, self.then
        )


class ConsentSent(Sent):
    """What was agreed to, in which text; the language of the text if it is not that of the messages."""

    care: bool
    contact: bool
    text_version: Name
    language: MessageLanguage | None = None


class GenderSent(Sent):
    """With whom the person would speak; a must is never relaxed."""

    wish: WishedGender
    must: bool = False

    def meant(self) -> requests.GenderWish:
        return requests.GenderWish(self.wish, self.must)


class KnownTherapistSent(Sent):
    """Somebody the person was with before."""

    therapist_id: UUID
    wish: WishAboutKnown

    def meant(self) -> requests.KnownTherapist:
        return requests.KnownTherapist(self.therapist_id, self.wish)


class EarlierCaseSent(Sent):
    """An earlier case of the same person; without its PIN a session of that case has to come with the request."""

    case_code: Annotated[str, StringConstraints(max_length=40)]
    pin: Annotated[str, StringConstraints(max_length=12)] | None = None

    def meant(self) -> requests.EarlierCase:
        return requests.EarlierCase(self.case_code, self.pin)


class AttendeeSent(Sent):
    """Somebody else who takes part. Only they can consent: `pending` is told by the asker, `invited` may be told by us."""

    role: AttendeeRole
    consent: Literal["pending", "invited"] = "pending"
    contact: ContactSent | None = None

    def meant(self) -> Participant:
        contact = self.contact.meant() if self.contact else None
        return Participant(self.role, self.consent, contact)


# Raw answers per instrument of /v1/reference; null is an answer that was not given.
InstrumentId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{2,20}$")]
AnswersSent = Annotated[
    dict[InstrumentId, Annotated[tuple[int | None, ...], Field(max_length=64)]], Field(max_length=12)
]


class WishesSent(Sent):
    """What a person may change while they wait: PATCH /v1/cases/{code}."""

    modalities: Annotated[tuple[Modality, ...], Field(min_length=1, max_length=4)]
    languages: Annotated[tuple[Language, ...], Field(min_length=1, max_length=10)]
    therapist_gender: GenderSent | None = None
    faith_sensitive: bool = False
    city: Name | None = None
    area: Name | None = None
    radius_km: Annotated[float, Field(ge=1, le=500)] | None = None
    time_zone: Zone = TIME_ZONE
    wanted_times: Windows = ()
    max_fee: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    access_needs: Annotated[tuple[AccessNeed, ...], Field(max_length=7)] = ()
    booking_mode: BookingMode = "auto"

    def wishes(self) -> dict[str, Any]:
        """The same as fields of the domain's `Needs`."""
        return {
            "modalities": self.modalities,
            "languages": self.languages,
            "therapist_gender": self.therapist_gender and self.therapist_gender.meant(),
            "faith_sensitive": self.faith_sensitive,
            "city": self.city,
            "area": self.area,
            "radius_km": self.radius_km,
            "time_zone": self.time_zone,
            "wanted_times": tuple(window.meant() for window in self.wanted_times),
            "max_fee": self.max_fee,
            "access_needs": self.access_needs,
            "booking_mode": self.booking_mode,
        }


class CaseSent(WishesSent):
    """POST /v1/cases: the wishes, and what does not change while a case lasts."""

    kind: Kind = "individual"
    problem_areas: Annotated[tuple[ProblemArea, ...], Field(max_length=12)] = ()
    province: Province
    age_band: AgeBand | None = None
    coverage: Annotated[tuple[PayerCode, ...], Field(max_length=5)] = ()
    source: Source = "self"
    previous_therapist: KnownTherapistSent | None = None
    continues: EarlierCaseSent | None = None
    attendees: Annotated[tuple[AttendeeSent, ...], Field(max_length=MOST)] = ()
    contact: ContactSent
    consent: ConsentSent
    red_flags: Annotated[tuple[RedFlag, ...], Field(max_length=5)] = ()
    gender: Gender | None = None
    answers: AnswersSent = Field(default_factory=dict)

    def meant(self) -> requests.CareRequest:
        """The same as the domain understands it, before it is checked."""
        needs = requests.Needs(
            kind=self.kind,
            problem_areas=self.problem_areas,
            province=self.province,
            age_band=self.age_band,
            coverage=self.coverage,
            source=self.source,
            previous_therapist=self.previous_therapist.meant() if self.previous_therapist else None,
            **self.wishes(),
        )
        agreed = self.consent
        consent = requests.Consent(
            agreed.care, agreed.contact, agreed.text_version, agreed.language or self.contact.language
        )
        earlier = self.continues.meant() if self.continues else None
        others = tuple(one.meant() for one in self.attendees)
        return requests.CareRequest(
            needs, self.contact.meant(), consent, self.answers, self.gender, self.red_flags, earlier,
            attendees=others,
        )  # fmt: skip


class WithdrawalSent(Sent):
    """POST /v1/cases/{code}/withdraw; a code for the reason, because free text would travel."""

    reason: WithdrawReason = "not_said"
    stop_contact: bool = False


class SessionSent(Sent):
    """POST /v1/sessions. Whatever is offered is tried; a code that cannot exist is simply wrong."""

    case_code: Annotated[str, StringConstraints(max_length=40)]
    pin: Annotated[str, StringConstraints(max_length=12)]


@lru_cache(maxsize=2048)
def _minutes(wall_time: str) -> int:
    return int(wall_time[:2]) * 60 + int(wall_time[3:])
