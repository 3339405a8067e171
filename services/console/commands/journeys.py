"""`journey CASE`: one case across all services, its trace ids, and what it waits for."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer

from services.console.commands.rendering import AsJson, print_json, print_table, run, stop
from services.console.domain.journey import Journey, read_case, tell
from services.console.gateways.broker import events_of
from services.console.repository import journeys
from services.console.repository.catalog import opened
from services.console.settings import ConsoleSettings, read_settings
from shared.contracts.topics import TOPICS
from shared.messaging.incoming import born


def journey(
    case_code: Annotated[
        str, typer.Argument(help="As the person has it; spaces and small letters do not matter. Or the id.")
    ],
    as_json: AsJson = False,
) -> None:
    """One case from its request to the last message, from the services' tables and from the topics."""
    case = read_case(case_code)
    found = run(_journey(read_settings(), case)) if case else None
    if found is None:
        stop("There is no case with this code.")
    if as_json:
        story = {name: value for name, value in asdict(found).items() if name != "kept"}
        print_json(story | {"waits_for": [one.sentence for one in found.waits_for]})
        return
    print_table("Journey", [asdict(step) for step in found.steps], empty="nothing yet")
    print_table("Waits for", [{"what": one.sentence} for one in found.waits_for], empty="nothing")
    print_table("Traces", [{"trace id": trace} for trace in found.traces], empty="none was sampled")


async def _journey(settings: ConsoleSettings, case: UUID | str) -> Journey | None:
    async with opened(settings.database_url) as connection:
        named = await journeys.find_case(connection, case)
        if named is None:
            return None
        case_id = named.case_id
        steps = await journeys.steps(connection, case_id)
        held = await journeys.held_back(connection, str(case_id))
    # Only topics the console may read: needs and alarms are not an operator's business.
    topics = {t.name: t.partitions for t in TOPICS if t.key.startswith("case_id") and "console" in t.readers}
    said = await events_of(settings, topics, str(case_id), born(case_id))
    return tell([*steps, *said], held)
