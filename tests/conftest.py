"""Makes the stack's fixtures known to every test, and runs the tests on the loop the services run on."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import uvloop

from tests.stack_fixtures import *  # noqa: F403


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who asks for a server's fixture says so by its marker, so that the fast tier can leave it out."""
    for item in items:
        for name in ("postgres", "kafka"):
            if f"{name}_server" in getattr(item, "fixturenames", ()):
                item.add_marker(name)
