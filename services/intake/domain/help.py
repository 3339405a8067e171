"""A person presses "help": whose case it is if that is known, what is opened if not, and whether it was said before."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.intake.domain import contacts
from services.intake.domain.alarms import AlarmPolicy, Raised
from services.intake.domain.codes import read_case_code
from services.intake.domain.contacts import Contact
from services.intake.domain.refusals import Refusal
from services.intake.domain.requests import CareRequest, Consent, Needs
from services.intake.domain.vocabulary import Language, Province

RULE = "person_asked_for_help"
Answer = Literal["raised", "raised_already", "opened", "nothing"]


@dataclass(frozen=True, slots=True)
class Caller:
    """The case somebody asks for help with. `contactable` is whether its own contact may and can be used,
    `open_call` the alarm that is open because they asked before."""

    case_id: UUID
    case_code: str
    person_id: UUID
    card_language: str
    languages: tuple[str, ...]
    contactable: bool
    open_call: UUID | None


def raised(policy: AlarmPolicy) -> Raised:
    """The alarm of who asks for help, whatever else is known."""
    return Raised(policy.help_level, RULE, policy.version)


def answer(*, has_case: bool, called_already: bool, has_contact: bool) -> Answer:
    """One open alarm per case: who asks again is answered again. Without a case a contact is enough to open one."""
    if has_case:
        return "raised_already" if called_already else "raised"
    return "opened" if has_contact else "nothing"


def case_code_of(spoken: str | None, *, in_session: bool, has_contact: bool) -> str | None:
    """The code, where it may name the case: a code is no secret, so whoever shows no session can have us use the
    contact we have, and never another one."""
    return None if in_session or has_contact or spoken is None else read_case_code(spoken)


def read_contact(typed: Contact) -> Contact | list[Refusal] | None:
    """Where to reach the person now, in one spelling; None if it is a place where nobody else can begin."""
    contact = contacts.read_contact(typed)
    return contact if isinstance(contact, list) or contact.reachable else None


def smallest_request(contact: Contact, province: Province, language: Language) -> CareRequest:
    """What a case is opened from: where somebody is and how to reach them. Nothing was agreed to but this one call,
    so no consent is written down, and nothing goes on before a human has spoken with them."""
    needs = Needs(
        kind="individual",
        modalities=("phone",),
        languages=(language,),
        problem_areas=(),
        province=province,
        city=None,
        age_band=None,
        wanted_times=(),
        max_fee=None,
    )
    consent = Consent(care=False, contact=False, text_version="", language=contact.language)
    return CareRequest(needs, contact, consent, answers={}, asks_for_help=True)
