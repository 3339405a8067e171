"""From an appointment as it stands now to the words somebody reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.notifications.domain.templates import Language, Text, describe_time, isolated, render
from services.notifications.domain.wording import ForbiddenWords, findings

FULL_STOPS = " .۔"


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a message may say: when and where, never what for. Times in the venue's zone in person, in the
    reader's zone online, because the text is what people go by (calcom/cal.com#29868, #16017: no-shows). `by` is who
    changed it last, `another_way` that they will meet in another way than before, `provisional` that it may still change,
    `ended` that their case has come to its end."""

    purpose: str
    start: datetime | None
    time_zone: str
    modality: str | None
    city: str | None
    directions: Mapping[str, str]
    by: str | None = None
    another_way: bool = False
    provisional: bool = False
    ended: bool = False


def template_of(occasion: Occasion) -> str:
    """Which text tells it: whoever gave an hour back is not told that we did, and who meets in another way is told so.
    Nobody is promised to hear from us of a case that has ended."""
    if occasion.purpose == "cancelled" and occasion.by == "person":
        return "cancelled_as_asked"
    if occasion.purpose == "cancelled" and occasion.ended:
        return "cancelled_at_the_end"
    if occasion.provisional and occasion.purpose in ("booked", "changed", "reminder"):
        return f"{occasion.purpose}_provisional"
    if occasion.purpose == "changed" and occasion.another_way:
        return "changed_way"
    return occasion.purpose


def compose(language: Language, occasion: Occasion, own: Mapping[str, str] | None = None) -> Text:
    """The text in that language. `own` are values for this person alone: what they answer an invitation with, by which
    day is then the occasion's `start`."""
    if occasion.start is None:
        return render(language, template_of(occasion), {})
    day, time = describe_time(language, occasion.start, occasion.time_zone)
    values = {"day": day, "time": time, "place": place(language, occasion)}
    return render(language, template_of(occasion), values | dict(own or {}))


def place(language: Language, occasion: Occasion) -> str:
    """The way there in the reader's language and letters, else the city; for other modalities how, not where."""
    if occasion.modality != "in_person":
        return language.places[occasion.modality or "video"]
    # A tag names its letters where the language has others too: what is told in those is for other readers.
    told = occasion.directions.get(language.tag, "")
    # The text that names the place goes on, or ends, with a sign of its own.
    return told.rstrip(FULL_STOPS) or language.places["in_person"].format(
        city=isolated(language, occasion.city or "")
    )


def neutral_directions(directions: Mapping[str, str], forbidden: ForbiddenWords) -> dict[str, str]:
    """Only the directions that tell nobody what the place is for; one plain line each."""
    plain = {tag: " ".join(text.split()) for tag, text in directions.items()}
    return {tag: text for tag, text in plain.items() if text and not findings(text, forbidden)}
