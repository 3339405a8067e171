"""What `ce_dataschema` points at is there, for whoever reads an event and for nobody else's harm."""

import pytest

from shared.contracts.publish.schemas import schema_of
from shared.contracts.topics import EVENTS
from shared.messaging.envelope import SCHEMAS
from tests.console.conftest import Worklist


@pytest.mark.parametrize("event_type", sorted(EVENTS))
async def test_every_event_type_has_its_schema_at_the_path_its_events_name(
    worklist: Worklist, event_type: str
) -> None:
    path = f"{SCHEMAS}{event_type}.json".removeprefix("https://humqadam.example")
    answer = await worklist.client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/schema+json")
    assert answer.json() == schema_of(EVENTS[event_type])


async def test_a_schema_that_is_known_is_not_sent_again(worklist: Worklist) -> None:
    first = await worklist.client.get("/schemas/matching.match_made.v1.json")
    again = await worklist.client.get(
        "/schemas/matching.match_made.v1.json", headers={"If-None-Match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["matching.match_made.v9", "matching.match_made.v1.json", "..%2f..%2fetc%2fpasswd", "%00"]
)
async def test_there_is_no_other_file(worklist: Worklist, path: str) -> None:
    answer = await worklist.client.get(f"/schemas/{path}.json")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
