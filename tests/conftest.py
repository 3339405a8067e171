"""Makes the stack's fixtures known to every test, runs tests on the loop the services run on, and bounds each."""

import asyncio
import gc
from collections.abc import Callable, Generator, Mapping

import pytest
from hypothesis import HealthCheck, settings

from tests import limits
from tests.stack_fixtures import *  # noqa: F403

# Thousands of tests that wait for their turn are no garbage: looking through them again and again takes a tenth of `make check`.
gc.set_threshold(100_000, 50, 100)

# Time is shown by the benchmark, never judged by a test; large examples are what these tests are for.
UNTIMED = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
settings.register_profile("whole", UNTIMED, max_examples=100)
settings.register_profile("quick", UNTIMED, max_examples=10)
settings.load_profile("whole")


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": limits.new_loop}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who asks for a server's fixture says so by its marker, so that the fast tier can leave it out."""
    for item in items:
        for name in ("postgres", "kafka"):
            if f"{name}_server" in getattr(item, "fixturenames", ()):
                item.add_marker(name)
        limits.limit(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    with limits.phase(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    with limits.phase(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    with limits.phase(item):
        return (yield)
