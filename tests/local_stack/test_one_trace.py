"""What an operator sees: one request is one trace, through every service to the sent message; figures that are there."""

import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from deploy.local import ports
from deploy.local.processes import PROCESSES, Process
from deploy.local.stack import Plan, Stack
from simulation import demo
from tests.waiting import until

pytestmark = pytest.mark.stack

ALL_THE_WAY = {"intake", "matching", "scheduling", "notifications"}
SENT = "notifications"
ASKED = "post /v1/cases"
COMPOSE = Path(__file__).parents[2] / "deploy" / "compose"
FIGURE = re.compile(r"humqadam_\w+")
LOOKED_AT = (COMPOSE / "alerts.yml", COMPOSE / "grafana" / "dashboards" / "humqadam.json")


async def test_one_case_is_one_trace_and_every_figure_that_operators_look_at_is_told(
    stack_folder: Path,
) -> None:
    stack = Stack(stack_folder / "traced", plan=Plan(ports=ports.anywhere()), tell=lambda _: None)
    await stack.start()
    try:
        secrets, out = stack.folder / "secrets", stack.folder / "demo.json"
        country: dict[str, Any] = {"people": 40, "seed": 3, "secrets": secrets, "progress": lambda _: None}
        await demo.seed(stack.addresses, **country)
        await stack.traced()
        assert await demo.run(stack.addresses, out=out, **country) == 0
        async with aiohttp.ClientSession() as session:
            trace = await until(
                lambda: _trace_all_the_way(session, stack.addresses["zipkin"]), "a trace of all services"
            )
            told = {name for process in PROCESSES for name in await _figures(session, stack, process)}
    finally:
        await stack.stop()
    assert {name for file in LOOKED_AT for name in FIGURE.findall(file.read_text())} <= told
    known = {span["id"] for span in trace}
    assert len([span for span in trace if "parentId" not in span]) == 1
    assert all(span["parentId"] in known for span in trace if "parentId" in span)
    assert any("send" in span["name"] for span in trace if _service(span) == SENT)


async def _trace_all_the_way(session: aiohttp.ClientSession, zipkin: str) -> list[dict[str, Any]] | None:
    """Of somebody who asked: one who moves their hour can go through every service too."""
    async with session.get(f"{zipkin}/api/v2/traces?limit=200&lookback=3600000") as answer:
        traces = await answer.json()
    return next(
        (
            trace
            for trace in traces
            if {_service(span) for span in trace} >= ALL_THE_WAY
            and ASKED in {span["name"] for span in trace if "parentId" not in span}
        ),
        None,
    )


async def _figures(session: aiohttp.ClientSession, stack: Stack, process: Process) -> set[str]:
    """The names of what a process tells at /metrics; the outside world tells nothing."""
    if not process.module.startswith("services."):
        return set()
    async with session.get(f"{stack.addresses[process.name]}/metrics") as answer:
        return set(FIGURE.findall(await answer.text()))


def _service(span: dict[str, Any]) -> str:
    return str(span["localEndpoint"]["serviceName"])
