"""One case from its request to the last message, as the services' tables have it, and why it does not go on."""

from dataclasses import dataclass
from uuid import UUID

from services.console.domain.journey import Journey, Reading, tell, unread
from services.console.handlers.worklist import Listed, of_case
from services.console.repository import journeys, owners
from services.console.repository.journeys import Named
from services.console.repository.tasks import Sight
from shared.contracts.topics import TOPICS
from shared.messaging import Transaction
from shared.messaging.outbox import partition_of
from shared.messaging.partitions import lock_item

OF_CASES = {topic.name: topic.partitions for topic in TOPICS if topic.key.startswith("case_id")}


@dataclass(frozen=True, slots=True)
class Told:
    """A case's journey, and what humans have to do about it as far as the caller may see that."""

    case: Named
    journey: Journey
    tasks: Listed


async def journey_of(case: UUID | str, sight: Sight, tx: Transaction) -> Told | None:
    """None where there is no such case."""
    found = await journeys.find_case(tx.connection, case)
    if found is None:
        return None
    key = str(found.case_id)
    places = {topic: partition_of(key, count) for topic, count in OF_CASES.items()}
    read = await journeys.readings(tx.connection, places)
    locks, _ = await owners.locks(tx.connection)
    held = {(lock.name, lock.item) for lock in locks}
    stopped = unread(read, {one: _mark(one) in held for one in read})
    causes = [*stopped, *await journeys.held_back(tx.connection, key)]
    steps = await journeys.steps(tx.connection, found.case_id)
    return Told(found, tell(steps, causes), await of_case(sight, found.case_id, tx))


def _mark(one: Reading) -> tuple[str, int]:
    """What the lock of whoever reads it looks like."""
    return f"owner:{one.service}:consumer:{one.group}", lock_item(one.topic, one.partition)
