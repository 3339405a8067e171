"""Gateways on a bad day: slow, failing, or silent after they have taken a message."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson

from tests.faults.schedule import Fault
from tests.faults.system import System


class Refused(Exception):
    """The gateway does not make trouble as it was asked to."""


@asynccontextmanager
async def troubled(system: System, fault: Fault) -> AsyncIterator[None]:
    """`whom` is an end and its trouble, which ends by itself."""
    end, kind = fault.whom.split("/")
    body = orjson.dumps({"kind": kind, "seconds": fault.seconds})
    async with system.http.post(f"{system.addresses['sms']}/v1/trouble/{end}", data=body) as answer:
        if answer.status != 200:
            raise Refused(f"{answer.status}")
    yield
    await asyncio.sleep(0.1)
