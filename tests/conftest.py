"""Makes the stack's fixtures known to every test, and runs the tests on the loop the services run on."""

import asyncio
from collections.abc import Callable, Mapping

import uvloop

from tests.stack_fixtures import *  # noqa: F403


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}
