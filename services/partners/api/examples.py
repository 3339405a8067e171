"""What the answers look like, for /openapi.json: the story of docs/events.md, as a partner reads it."""

from typing import Any

from shared.contracts.examples.partners import EXAMPLES

_SAID = [one.model_dump(mode="json") for one in EXAMPLES]
_LAST = EXAMPLES[2]


def _answers(description: str, example: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    content = {"application/json": {"schema": {"type": "object"}, "example": example}}
    return {200: {"description": description, "content": content}}


FEED: dict[int | str, dict[str, Any]] = _answers(
    "Events, and how far they reach.",
    {
        "events": [
            {
                "specversion": "1.0",
                "id": f"{one.organisation}/{one.position}",
                "source": "partners",
                "type": one.type_name,
                "time": one.changed_at.isoformat(),
                "subject": one.booking_ref,
                "dataschema": f"https://humqadam.example/schemas/{one.type_name}.json",
                "datacontenttype": "application/json",
                "data": said,
            }
            for one, said in zip(EXAMPLES[1:3], _SAID[1:3], strict=True)
        ],
        "position": _LAST.position,
        "more": False,
    },
) | {304: {"description": "Nothing has changed since the ETag that was sent."}}

SNAPSHOT: dict[int | str, dict[str, Any]] = _answers(
    "Bookings that stand, as of a position.",
    {
        "position": _LAST.position,
        "as_of": _LAST.changed_at.isoformat(),
        "bookings": [{name: value for name, value in _SAID[2].items() if name != "previous_start"}],
        "next": None,
        "feed": f"/v1/bookings?after={_LAST.position}",
    },
)
