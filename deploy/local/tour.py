"""What `make up` says at its end: where to look, with commands that can be pasted as they are."""

import shlex
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.local.ports import PREFERRED
from deploy.local.processes import addresses

PAGES = ("console", "intake", "intake-crisis", "matching", "scheduling", "notifications", "partners")
PARTNER_TOPICS = "partners.bookings."


async def lines(where: Mapping[str, str]) -> list[str]:
    """The addresses of this stack, one trace, a post that works, and how a partner reads its bookings."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        trace = await _longest_trace(session, where["zipkin"])
        case = await _example_case(session, where["intake"])
    topics = await _partner_topics(where["kafka"])
    return [
        "\nAsk as a person would, in English or Urdu:",
        f"  {'pages':<14} {where['intake']}/",
        "\nSit at the duty desk, with a token of the local staff issuer:",
        f"  {'desk':<14} {where['intake-crisis']}/desk",
        '  .venv/bin/python -m services.console.main token --role duty_clinician --name "Amina K."',
        "\nSee to what humans have to do, and why a case does not go on (token: --role coordinator, or operator):",
        f"  {'worklist':<14} {where['console']}/tasks",
        f"  {'journeys':<14} {where['console']}/journeys",
        "\nLook at:",
        *(f"  {name:<14} {where[name]}/docs" for name in PAGES),
        f"  {'one trace':<14} {trace}",
        "\nPost a case:",
        f"  curl -s {where['intake']}/v1/cases -H 'Content-Type: application/json' \\",
        f"       -H 'Idempotency-Key: try-it-1' -d {shlex.quote(case)}",
        "\nRead what a partner reads:",
        *(f"  .venv/bin/python -m deploy.local read {topic}" for topic in topics),
        *_moved(where),
        "\nCtrl-C stops everything; the data stays until `make reset`.",
    ]


async def _longest_trace(session: aiohttp.ClientSession, zipkin: str) -> str:
    """The trace that passed the most services; tracing samples, so there may be none yet."""
    traces = await _json(session, f"{zipkin}/api/v2/traces?limit=50&lookback=3600000") or []
    if not traces:
        return f"{zipkin}/zipkin/"
    longest = max(traces, key=lambda spans: len({_service(span) for span in spans}))
    return f"{zipkin}/zipkin/traces/{longest[0]['traceId']}"


async def _example_case(session: aiohttp.ClientSession, intake: str) -> str:
    """The example in intake's own API description: what is shown is what is tested."""
    found: Any = await _json(session, f"{intake}/openapi.json") or {}
    for step in ("paths", "/v1/cases", "post", "requestBody", "content", "application/json"):
        found = found.get(step, {})
    examples = [one.get("value") for one in found.get("examples", {}).values()] or [found.get("example")]
    shortest = min((orjson.dumps(one).decode() for one in examples if one), key=len, default="")
    return shortest or f"@case.json  # see {intake}/docs"


async def _partner_topics(bootstrap: str) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        return sorted(topic for topic in await admin.list_topics() if topic.startswith(PARTNER_TOPICS))
    except KafkaError:  # being started again, perhaps; what is told here must not end the stack
        return []
    finally:
        await admin.close()


async def _json(session: aiohttp.ClientSession, url: str) -> Any:
    try:
        async with session.get(url) as answer:
            return orjson.loads(await answer.read()) if answer.status == 200 else None
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return None


def _service(span: Mapping[str, Any]) -> str:
    return str((span.get("localEndpoint") or {}).get("serviceName"))


def _moved(where: Mapping[str, str]) -> list[str]:
    usual = addresses(PREFERRED)
    moved = [name for name in usual if usual[name] != where[name]]
    return (
        [f"\nNot on their usual ports, which were taken: {', '.join(moved)} (.local/ports.json)"]
        if moved
        else []
    )
