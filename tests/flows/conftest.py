"""One town for all stories: a whole stack takes a minute to come up."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from deploy.local import ports
from deploy.local.stack import Plan, Stack
from tests.flows.visiting import WHATSAPP_SECRET, Town


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def here(stack_folder: Path) -> AsyncIterator[Town]:
    """A whole stack of its own, gone at the end."""
    stack = Stack(
        stack_folder / "town", plan=Plan(with_zipkin=False, ports=ports.anywhere()), tell=lambda _: None
    )
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("WHATSAPP_APP_SECRET", WHATSAPP_SECRET)
        environment.setenv("WHATSAPP_TOKEN", "the town's")
        await stack.start()
    try:
        async with aiohttp.ClientSession() as http:
            yield Town(stack, http)
    finally:
        await stack.stop()
