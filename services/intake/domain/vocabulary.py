"""The codes a request may use. They are few and public, so a frontend can offer them as choices."""

from typing import Literal, get_args

Kind = Literal["individual", "couple", "family", "group", "child"]
Modality = Literal["video", "audio", "phone", "in_person"]
Language = Literal["ur", "en", "pa", "ps", "sd", "skr", "bal", "brh", "hno", "scl"]
ProblemArea = Literal[
    "low_mood",
    "anxiety",
    "relationship",
    "grief",
    "trauma",
    "perinatal",
    "stress",
    "addiction",
    "ocd",
    "psychosis",
    "child",
    "other",
]
Province = Literal["PK-PB", "PK-SD", "PK-KP", "PK-BA", "PK-IS", "PK-GB", "PK-JK"]
AgeBand = Literal["13-17", "18-24", "25-34", "35-44", "45-59", "60+"]
RedFlag = Literal["psychosis", "mania", "withdrawal", "violence", "perinatal"]
Gender = Literal["woman", "man", "other"]
WishedGender = Literal["woman", "man"]
AccessNeed = Literal[
    "step_free", "ground_floor", "hearing", "sign_language", "low_vision", "companion", "female_attendant"
]
Source = Literal[
    "self",
    "family",
    "gp",
    "school",
    "employer",
    "helpline",
    "lay_health_worker",
    "partner_org",
    "other",
]
BookingMode = Literal["auto", "choose"]
WishAboutKnown = Literal["again", "not_again"]
AttendeeRole = Literal["partner", "family", "guardian"]
# The asker says one of the first two; the others are the attendee's own.
AttendeeConsent = Literal["pending", "invited", "given", "declined"]
Channel = Literal["sms", "whatsapp", "email", "call", "inbox"]
Owner = Literal["own", "shared", "trusted"]
Script = Literal["Latn", "Arab"]
MessageLanguage = Literal["en", "ur"]
Level = Literal["R1", "R2", "R3"]
Gate = Literal["open", "waits_for_consent", "waits_for_human"]
# For what a case waits that does not go on: what a human found, or the wish of its person.
Pause = Literal["helped_elsewhere", "not_asked_yet", "on_request"]
# Why staff end a case; that it was taken back, or erased, is not theirs to say.
CloseReason = Literal[
    "completed", "stepped_up", "stepped_down", "referred_out", "stopped_coming", "unreachable"
]
WithdrawReason = Literal[
    "changed_mind",
    "feels_better",
    "found_other_help",
    "waited_too_long",
    "cost",
    "privacy",
    "other",
    "not_said",
]

TIME_ZONE = "Asia/Karachi"  # one zone in the whole country, but not all who ask are in it
MINOR: AgeBand = "13-17"

CHOICES: dict[str, tuple[str, ...]] = {
    "kinds": get_args(Kind),
    "modalities": get_args(Modality),
    "languages": get_args(Language),
    "problem_areas": get_args(ProblemArea),
    "provinces": get_args(Province),
    "age_bands": get_args(AgeBand),
    "genders": get_args(Gender),
    "red_flags": get_args(RedFlag),
    "therapist_genders": get_args(WishedGender),
    "access_needs": get_args(AccessNeed),
    "sources": get_args(Source),
    "booking_modes": get_args(BookingMode),
    "previous_therapist_wishes": get_args(WishAboutKnown),
    "attendee_roles": get_args(AttendeeRole),
    "channels": get_args(Channel),
    "owners": get_args(Owner),
    "scripts": get_args(Script),
    "message_languages": get_args(MessageLanguage),
    "withdraw_reasons": get_args(WithdrawReason),
    "close_reasons": get_args(CloseReason),
}
