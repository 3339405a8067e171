"""`journey CASE_CODE`: one case across all services, its trace ids, and what it waits for."""

from dataclasses import asdict
from typing import Annotated

import typer

from services.console.commands.rendering import AsJson, print_json, print_table, run, stop
from services.console.domain.journey import Journey, tell
from services.console.gateways import events_of
from services.console.repository import journeys
from services.console.repository.catalog import opened
from services.console.settings import ConsoleSettings, read_settings
from shared.contracts.topics import TOPICS
from shared.messaging.incoming import born

# Crockford's alphabet: what people put between the characters goes, and letters that look like digits are digits.
AS_KEPT = str.maketrans("OIL", "011", " -")


def journey(
    case_code: Annotated[
        str, typer.Argument(help="As the person has it; spaces and small letters do not matter.")
    ],
    as_json: AsJson = False,
) -> None:
    """One case from its request to the last message, from the services' tables and from the topics."""
    found = run(_journey(read_settings(), case_code.upper().translate(AS_KEPT)))
    if found is None:
        stop("There is no case with this code.")
    if as_json:
        print_json(asdict(found))
        return
    print_table("Journey", [asdict(step) for step in found.steps], empty="nothing yet")
    print_table("Waits for", [{"what": what} for what in found.waits_for], empty="nothing")
    print_table("Traces", [{"trace id": trace} for trace in found.traces], empty="none was sampled")


async def _journey(settings: ConsoleSettings, case_code: str) -> Journey | None:
    async with opened(settings.database_url) as connection:
        case_id = await journeys.find_case(connection, case_code)
        if case_id is None:
            return None
        steps = await journeys.steps(connection, case_id)
        held = await journeys.held_back(connection, str(case_id))
    # Only topics the console may read: needs and alarms are not an operator's business.
    topics = {t.name: t.partitions for t in TOPICS if t.key.startswith("case_id") and "console" in t.readers}
    said = await events_of(settings.kafka_bootstrap_servers, topics, str(case_id), born(case_id))
    return tell([*steps, *said], held)
