"""The steps of asking: which fields each has, and which part of a request they become."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from services.intake.domain.attendees import Awaited, awaited
from services.intake.domain.contacts import Contact
from services.intake.domain.requests import Needs
from services.intake.domain.vocabulary import MINOR, AgeBand, Kind
from shared.web.forms import Form

# In the order in which they are asked.
STEPS: Mapping[str, tuple[str, ...]] = {
    "who": ("kind", "age_band"),
    "how": (
        "modalities",
        "languages",
        "place",
        "therapist_gender",
        "must",
        "access_needs",
        "times",
        "max_fee",
        "booking_mode",
    ),
    "about": ("problem_areas",),
    "questions": ("red_flags",),
    "contact": ("channel", "phone", "email", "owner", "message_language", "safe", "guardian_phone"),
    "consent": ("care", "contact_consent", "text_version"),
}
REVIEW = "review"
ORDER = (*STEPS, REVIEW)
SEVERAL = frozenset(
    {"modalities", "languages", "access_needs", "times", "problem_areas", "red_flags", "safe"}
)
# By which group of titles the codes of a field are called.
GROUPS = {
    "kind": "kinds",
    "age_band": "age_bands",
    "modalities": "modalities",
    "languages": "languages",
    "therapist_gender": "therapist_genders",
    "access_needs": "access_needs",
    "times": "times",
    "problem_areas": "problem_areas",
    "red_flags": "red_flags",
    "channel": "channels",
    "owner": "owners",
    "message_language": "written",
    "safe": "times",
    "booking_mode": "booking_modes",
}
ANSWERS = tuple(name for fields in STEPS.values() for name in fields)
STEP_OF = {name: step for step, fields in STEPS.items() for name in fields}

# Wall time by part of the day, in ISO days.
DAYS = {"weekday": range(1, 6), "weekend": range(6, 8)}
HOURS = {
    "morning": ("09:00", "12:00"),
    "afternoon": ("12:00", "17:00"),
    "evening": ("17:00", "21:00"),
}
PARTS = tuple(f"{days}_{hours}" for days in DAYS for hours in HOURS)
# What stands for steps that were not asked yet while the earlier ones are looked at.
NOT_ASKED: Mapping[str, Mapping[str, Any]] = {
    "who": {},
    "how": {"modalities": ["video"], "languages": ["ur"], "province": "PK-PB"},
    "about": {},
    "questions": {},
    "contact": {"contact": {"channel": "inbox"}},
}


def first(form: Form, name: str) -> str | None:
    """The one value of a field, None if it was left empty."""
    return form[name][0] if name in form else None


def asked_until(step: str) -> Sequence[str]:
    """The steps up to and with this one."""
    return ORDER[: ORDER.index(step) + 1]


def request_of(form: Form, asked: Sequence[str], language: str, text_version: str) -> dict[str, Any]:
    """The body of POST /v1/cases that these answers mean, not checked yet."""
    agreed = {"care": True, "contact": True, "text_version": text_version, "language": language}
    body: dict[str, Any] = {"consent": agreed}
    for step in STEPS:
        if step == "consent":
            body |= _consent(form, language) if step in asked else {}
        else:
            body |= _MAKERS[step](form) if step in asked else NOT_ASKED[step]
    return body


def _who(form: Form) -> dict[str, Any]:
    kind, age_band = first(form, "kind"), first(form, "age_band")
    # A partner is told by the asker. A guardian is not: their PIN is never shown to the one they speak for.
    partner = [{"role": "partner", "consent": "pending"}] * (kind == "couple")
    guardian = [_guardian(form)] * is_minor(form)
    return {"attendees": [*partner, *guardian]} | _given(kind=kind, age_band=age_band)


# Where the address of a channel is written.
ADDRESS_FIELDS = {"sms": "phone", "whatsapp": "phone", "call": "phone", "email": "email"}


def is_minor(form: Form) -> bool:
    """Whether somebody else has to agree, and is asked for."""
    return first(form, "age_band") == MINOR


def awaits(form: Form) -> Awaited | None:
    """Whose consent a checked request waits for when it has just been sent."""
    kind = first(form, "kind") or "individual"
    return awaited(cast(Kind, kind), cast(AgeBand | None, first(form, "age_band")))


def _guardian(form: Form) -> dict[str, Any]:
    """Written to by us where a number is given; without one their agreement stays to be asked for."""
    phone = first(form, "guardian_phone")
    if phone is None:
        return {"role": "guardian", "consent": "pending"}
    contact = {"channel": "sms", "address": phone} | _written(form)
    return {"role": "guardian", "consent": "invited", "contact": contact}


def _how(form: Form) -> dict[str, Any]:
    province = (first(form, "place") or "").partition("|")[0]
    return wishes_of(form) | _given(province=province or None)


def wishes_of(form: Form) -> dict[str, Any]:
    """The wishes that can be changed later as well."""
    city = (first(form, "place") or "").partition("|")[2]
    return {
        "modalities": form.get("modalities", ()),
        "languages": form.get("languages", ()),
        "access_needs": form.get("access_needs", ()),
        "wanted_times": _windows(form.get("times", ())),
        **_given(
            city=city or None,
            therapist_gender=_whom(form),
            max_fee=_rupees(first(form, "max_fee")),
            booking_mode=first(form, "booking_mode"),
        ),
    }


def draft_of(needs: Needs) -> Form:
    """The form that says these wishes; a part of the day is ticked when all of it is wished for."""
    gender, wanted = needs.therapist_gender, {(w.day, w.start, w.end) for w in needs.wanted_times}
    fields: dict[str, tuple[str, ...]] = {
        "modalities": needs.modalities,
        "languages": needs.languages,
        "place": (f"{needs.province}|{needs.city or ''}",),
        "therapist_gender": (gender.wish,) if gender else (),
        "must": ("yes",) if gender and gender.must else (),
        "access_needs": needs.access_needs,
        "times": tuple(part for part in PARTS if _minutes_of(part) <= wanted),
        "max_fee": (str(needs.max_fee),) if needs.max_fee is not None else (),
        "booking_mode": (needs.booking_mode,),
    }
    return {name: values for name, values in fields.items() if values}


def _minutes_of(part: str) -> set[tuple[int, int, int]]:
    return {(one["day"], _minute(one["start"]), _minute(one["end"])) for one in _windows((part,))}


def _minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _whom(form: Form) -> dict[str, Any] | None:
    wish = first(form, "therapist_gender")
    return {"wish": wish, "must": "must" in form} if wish else None


def _about(form: Form) -> dict[str, Any]:
    return {"problem_areas": form.get("problem_areas", ())}


def _questions(form: Form) -> dict[str, Any]:
    return {"red_flags": form.get("red_flags", ())}


def _contact(form: Form) -> dict[str, Any]:
    return {"contact": contact_of(form)}


def contact_of(form: Form) -> dict[str, Any]:
    """The contact that can be changed later as well, not checked yet."""
    channel = first(form, "channel")
    address = first(form, ADDRESS_FIELDS.get(channel or "", ""))
    contact = {"safe_windows": _windows(form.get("safe", ()))}
    return contact | _given(channel=channel, address=address, owner=first(form, "owner")) | _written(form)


def contact_draft(contact: Contact) -> Form:
    """The form that says this contact, without its address."""
    wanted = {(w.day, w.start, w.end) for w in contact.safe_windows}
    latin = "-Latn" if contact.language == "ur" and contact.script == "Latn" else ""
    fields: dict[str, tuple[str, ...]] = {
        "channel": (contact.channel,),
        "owner": (contact.owner,),
        "message_language": (f"{contact.language}{latin}",),
        "safe": tuple(part for part in PARTS if _minutes_of(part) <= wanted),
    }
    return {name: values for name, values in fields.items() if values}


def _written(form: Form) -> dict[str, Any]:
    """Urdu in Urdu letters unless Latin ones were asked for; the words of the page say which is which."""
    language, _, script = (first(form, "message_language") or "").partition("-")
    return _given(language=language or None, script=script or ("Arab" if language == "ur" else None))


def _consent(form: Form, language: str) -> dict[str, Any]:
    return {
        "consent": {
            "care": "care" in form,
            "contact": "contact_consent" in form,
            "text_version": first(form, "text_version") or "",
            "language": language,
        }
    }


_MAKERS = {"who": _who, "how": _how, "about": _about, "questions": _questions, "contact": _contact}


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _windows(parts: Sequence[str]) -> list[dict[str, Any]]:
    windows = []
    for part in parts:
        days, _, hours = part.partition("_")
        start, end = HOURS.get(hours, ("", ""))
        windows += [{"day": day, "start": start, "end": end} for day in DAYS.get(days, range(1))]
    return windows


def _rupees(text: str | None) -> int | str | None:
    """A whole number, also in Urdu digits; what is none stays as it is and is refused by its name."""
    return int(text) if text is not None and text.isdecimal() else text
