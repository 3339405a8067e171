"""What people send, as strict models: no unknown field, no text for a number, no number for a text."""

from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.intake.domain import contacts, requests
from services.intake.domain.vocabulary import (
    AgeBand,
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
    WithdrawReason,
)
from shared.web import PlainText

WallTime = Annotated[str, StringConstraints(pattern=r"^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
Name = Annotated[PlainText, StringConstraints(min_length=1, max_length=80)]

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
}

SMALLEST: dict[str, Any] = {
    "modalities": ["video"],
    "languages": ["ur"],
    "province": "PK-PB",
    "contact": {"channel": "sms", "address": "0399 1234567"},
    "consent": {"care": True, "contact": True, "text_version": "2026-01"},
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
    """How the person may be reached; no windows means between nine and nine."""

    channel: Channel
    address: Annotated[str, StringConstraints(max_length=254)] | None = None
    language: MessageLanguage = "en"
    script: Script = "Latn"
    safe_windows: Windows = ()
    owner: Owner = "own"

    def meant(self) -> contacts.Contact:
        windows = tuple(window.meant() for window in self.safe_windows) or contacts.USUAL_WINDOWS
        return contacts.Contact(self.channel, self.address, self.language, self.script, windows, self.owner)


class ConsentSent(Sent):
    """What was agreed to, in which text; the language of the text if it is not that of the messages."""

    care: bool
    contact: bool
    text_version: Name
    language: MessageLanguage | None = None


# Raw answers per instrument of /v1/reference; null is an answer that was not given.
InstrumentId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{2,20}$")]
AnswersSent = Annotated[
    dict[InstrumentId, Annotated[tuple[int | None, ...], Field(max_length=64)]], Field(max_length=12)
]


class CaseSent(Sent):
    """POST /v1/cases."""

    kind: Kind = "individual"
    modalities: Annotated[tuple[Modality, ...], Field(min_length=1, max_length=4)]
    languages: Annotated[tuple[Language, ...], Field(min_length=1, max_length=10)]
    problem_areas: Annotated[tuple[ProblemArea, ...], Field(max_length=12)] = ()
    province: Province
    city: Name | None = None
    age_band: AgeBand | None = None
    wanted_times: Windows = ()
    max_fee: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    contact: ContactSent
    consent: ConsentSent
    red_flags: Annotated[tuple[RedFlag, ...], Field(max_length=5)] = ()
    gender: Gender | None = None
    answers: AnswersSent = Field(default_factory=dict)

    def meant(self) -> requests.CareRequest:
        """The same as the domain understands it, before it is checked."""
        needs = requests.Needs(
            self.kind,
            self.modalities,
            self.languages,
            self.problem_areas,
            self.province,
            self.city,
            self.age_band,
            tuple(window.meant() for window in self.wanted_times),
            self.max_fee,
        )
        agreed = self.consent
        consent = requests.Consent(
            agreed.care, agreed.contact, agreed.text_version, agreed.language or self.contact.language
        )
        return requests.CareRequest(
            needs, self.contact.meant(), consent, self.answers, self.gender, self.red_flags
        )


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
