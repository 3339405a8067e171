"""From an appointment as it stands now to the words somebody reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.notifications.domain.templates import Language, Text, describe_time, render
from services.notifications.domain.wording import ForbiddenWords, findings


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a message may say: when and where, never what for. Times in the venue's zone in person, in the
    reader's zone online, because the text is what people go by (calcom/cal.com#29868, #16017: no-shows)."""

    purpose: str
    start: datetime | None
    time_zone: str
    modality: str | None
    city: str | None
    directions: Mapping[str, str]


def compose(language: Language, occasion: Occasion, own: Mapping[str, str] | None = None) -> Text:
    """The text in that language. `own` are values for this person alone: what they answer an invitation with, by which
    day is then the occasion's `start`."""
    if occasion.start is None:
        return render(language, occasion.purpose, {})
    day, time = describe_time(language, occasion.start, occasion.time_zone)
    values = {"day": day, "time": time, "place": place(language, occasion)}
    return render(language, occasion.purpose, values | dict(own or {}))


def place(language: Language, occasion: Occasion) -> str:
    """The way there in the reader's language, else the city; for other modalities how, not where."""
    if occasion.modality != "in_person":
        return language.places[occasion.modality or "video"]
    told = occasion.directions.get(language.tag) or occasion.directions.get(language.tag.partition("-")[0])
    return told or language.places["in_person"].format(city=occasion.city or "")


def neutral_directions(directions: Mapping[str, str], forbidden: ForbiddenWords) -> dict[str, str]:
    """Only the directions that tell nobody what the place is for; one plain line each."""
    plain = {tag: " ".join(text.split()) for tag, text in directions.items()}
    return {tag: text for tag, text in plain.items() if text and not findings(text, forbidden)}
