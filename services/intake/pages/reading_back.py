"""What was answered, read back in the words it was asked in, before it is sent."""

from collections.abc import Mapping, Sequence

from services.intake.pages.steps import ADDRESS_FIELDS, GROUPS, first
from shared.web.forms import Form


def said_so_far(
    form: Form, titles: Mapping[str, Mapping[str, str]], cities: Mapping[str, str]
) -> dict[str, Sequence[str]]:
    """The words by field; a field that was left empty has none."""
    said: dict[str, Sequence[str]] = {
        name: [titles[group][value] for value in form.get(name, ()) if value in titles[group]]
        for name, group in GROUPS.items()
    }
    channel = first(form, "channel") or ""
    address = first(form, ADDRESS_FIELDS.get(channel, ""))
    said["channel"] = [*said["channel"], *([address] if address else [])]
    province, _, city = (first(form, "place") or "").partition("|")
    known = titles["provinces"]
    place = [*([cities.get(city, city)] if city else []), *([known[province]] if province in known else [])]
    return said | {name: form.get(name, ()) for name in ("max_fee", "guardian_phone")} | {"place": place}
