"""One workflow a person. A file of its own, for the library imports it anew for every workflow; what it needs is passed through."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from benchmarks.peers.temporal.activities import Activities, Asked

RETRIED = RetryPolicy(initial_interval=timedelta(seconds=0.1), maximum_attempts=5)
MOST = timedelta(seconds=30)  # longer than any step takes, and sooner than anybody gives up
BY_QUEUE, LOCALLY = workflow.execute_activity_method, workflow.execute_local_activity_method


class Journey:
    """A person's whole way; it goes on after the last step that was kept."""

    async def run(self, asked: Asked) -> None:
        """The four steps in their order, each of which may end it."""
        done = partial(_done, LOCALLY if asked.locally else BY_QUEUE)
        case = await done(Activities.take_in, asked)
        if (made := await done(Activities.match, case)) and (booked := await done(Activities.book, made)):
            await done(Activities.tell, booked)


async def _done(execute: Callable[..., Any], step: Callable[..., Any], given: object) -> Any:
    """What a step gives back, perhaps after a few tries."""
    return await execute(step, given, start_to_close_timeout=MOST, retry_policy=RETRIED)


# Called and not written above, for the same reason as at the steps.
workflow.run(Journey.run)
workflow.defn(Journey)
