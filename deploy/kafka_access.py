"""The grants of `shared/contracts/grants.py` for a real broker: as commands for its own tools, or made over its protocol.

`python -m services.console.main access` prints them; Strimzi's KafkaUser takes the same rules one by one.
"""

from collections.abc import Iterable

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.admin import CreateAclsRequest

from shared.contracts.grants import Grant
from shared.messaging import KafkaSettings

# The numbers of Kafka's protocol (KIP-140, KIP-290).
RESOURCE = {"topic": 2, "group": 3}
OPERATION = {"read": 3, "write": 4, "create": 5, "describe": 8}
LITERAL, PREFIXED, ALLOW = 3, 4, 3


async def allow(settings: KafkaSettings, grants: Iterable[Grant]) -> None:
    """Makes every rule; one that is there already stays. Raises KafkaError where one is refused."""
    client = AIOKafkaClient(client_id="access", **settings.common())
    try:
        await client.bootstrap()
        for one in grants:
            await _allow_one(client, one)
    finally:
        await client.close()


async def _allow_one(client: AIOKafkaClient, one: Grant) -> None:
    request = CreateAclsRequest(
        RESOURCE[one.resource],
        one.name,
        PREFIXED if one.prefixed else LITERAL,
        f"User:{one.principal}",
        "*",
        OPERATION[one.operation],
        ALLOW,
    )
    answer = await client.send(client.get_random_node(), request)
    for code, said in answer.creation_responses:
        if code:
            raise for_code(code)(said)
