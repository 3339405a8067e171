"""The partner's own AsyncAPI document: an outside developer builds from it alone, without this repository."""

from shared.contracts.base import Topic
from shared.contracts.publish.asyncapi import Json, channel, components, receiving
from shared.contracts.topics import partner_topic

ORGANISATION = "{organisation}"

DESCRIPTION = """What your organisation hears about its own bookings: hours of its practitioners that were taken, moved
or given back. There is no patient in it: who comes is known where they asked, not here.

**Connect.** The operator gives you the broker's address, a user name and a password (SASL SCRAM-SHA-512 over TLS), the
name of your organisation and with it your topic `partners.bookings.<organisation>`. You may read this topic, in
consumer groups whose names begin with your organisation's, and nothing else.

**Read.** Every record is a CloudEvent 1.0 in Kafka's binary mode: attributes are headers, the value is JSON.

1. Skip a `ce_type` that you do not know, ignore fields that you do not know, and take a code that you do not know as
   "other": these are added without notice.
2. Records may come again: what has a `version` not greater than the one you have for its `booking_ref` is old news.
3. `booking_ref` is the record's key, so changes of one booking come in order, and `version` rises by one with each.
4. `position` rises by one with each event of your organisation, without gaps, over all bookings. The topic has three
   partitions, so positions may come out of order between bookings; one that is still missing after a minute or two
   is a reason to call the operator.
5. Commit your offset after you have saved. Start a new group at the earliest offset: events are kept for 30 days.

**Without Kafka** the same data comes over HTTP: `GET /v1/bookings?after=<position>` with an API key, in order and without
gaps; `GET /v1/bookings/snapshot` to begin with (`/openapi.json` of the service describes both).

**Times** are RFC 3339 with an offset; `time_zone` is that of the place, for showing. `practitioner`, `site` and `room`
are identifiers that stay the same for ever. `certainty: provisional` may still change without anybody's fault.

**Changes.** Within `.v1` only optional fields, codes and types are added. Whatever would break a reader comes as `.v2`
beside `.v1`. Not yet said: your own reference of a booking, and that the record of a booking is to be erased. Until the tag `contracts-1.0` this is a draft.

```python
async for record in AIOKafkaConsumer("partners.bookings.rehmat-hospital", bootstrap_servers=…,
                                     group_id="rehmat-hospital.diary", auto_offset_reset="earliest",
                                     enable_auto_commit=False):
    headers = {name: text.decode() for name, text in record.headers}
    booking = json.loads(record.value)
    if headers["ce_type"].startswith("partners.booking_"):
        save_unless_older(booking["booking_ref"], booking["version"], booking)
```
"""


def partner_document() -> Json:
    """AsyncAPI 3.0 from the side of the partner's application, which receives."""
    topic = partner_topic(ORGANISATION)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Humqadam: bookings for partners",
            "version": "1.0.0-draft",
            "description": DESCRIPTION,
        },
        "defaultContentType": "application/json",
        "servers": {
            "production": {
                "host": "{broker}",
                "protocol": "kafka-secure",
                "description": "The operator tells the address and the credentials.",
                "variables": {"broker": {"default": "kafka.humqadam.example:9094"}},
                "security": [{"$ref": "#/components/securitySchemes/scram"}],
            },
            "local": {
                "host": "127.0.0.1:9092",
                "protocol": "kafka",
                "description": "After `make up`; the port is in `.local/ports.json`.",
            },
        },
        "channels": {"bookings": _bookings(topic)},
        "operations": {"receiveBookings": _receive(topic)},
        "components": components([topic])
        | {
            "securitySchemes": {
                "scram": {
                    "type": "scramSha512",
                    "description": "A user of your organisation, which reads only.",
                }
            }
        },
    }


def _bookings(topic: Topic) -> Json:
    one = channel(topic)
    one["bindings"]["kafka"].pop("topic")
    return {
        "title": "Bookings of your organisation",
        **one,
        "parameters": {
            "organisation": {
                "description": "Your organisation, as the operator names it.",
                "examples": ["rehmat-hospital"],
            }
        },
    }


def _receive(topic: Topic) -> Json:
    one = receiving(topic, "")
    names = [message["$ref"].rpartition("/")[2] for message in one["messages"]]
    one |= {
        "summary": "Hear of your own bookings.",
        "channel": {"$ref": "#/channels/bookings"},
        "messages": [{"$ref": f"#/channels/bookings/messages/{name}"} for name in names],
    }
    one["bindings"]["kafka"]["groupId"] = {"type": "string", "pattern": r"^[a-z0-9-]+(\..+)?$"}
    return one
