"""`python -m benchmarks.scheduling --role online`: scheduling's own worker of a lane, whose handlers wait for each event, as for somebody who
answers slowly, before they do what they do.

It waits and burns nothing, so that what another worker brings is not what another core would bring. A batch is one transaction and
may not be idle for long: fewer events make one here.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence

from services.scheduling.handlers import HANDLERS
from services.scheduling.main import main
from shared.contracts.base import Event
from shared.messaging import Transaction, consumer

WAIT_SECONDS, BATCH = 0.025, 20

Handle = Callable[..., Awaitable[None]]


def waiting(handle: Handle) -> Handle:
    """The same, so many times WAIT_SECONDS later as there are events."""

    async def wait(events: Sequence[Event], tx: Transaction) -> None:
        await asyncio.sleep(WAIT_SECONDS * len(events))
        await handle(events, tx)

    return wait


if __name__ == "__main__":
    HANDLERS.update({event: waiting(handle) for event, handle in HANDLERS.items()})
    consumer.BATCH = BATCH
    sys.exit(main())
