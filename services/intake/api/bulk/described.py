"""What /openapi.json says of files: both forms with examples, every column, and what a line of the answer holds."""

from collections.abc import Mapping
from typing import Any

import orjson

from services.intake.api.bulk.columns import REFERENCE, columns
from services.intake.api.requests import EXAMPLE, SMALLEST, CaseSent
from services.intake.domain.bulk_cells import Column
from shared.web.described import body_of

NDJSON, CSV = "application/x-ndjson", "text/csv"

LINES = b"\n".join(
    [
        orjson.dumps({REFERENCE: "practice-7/0001"} | EXAMPLE),
        orjson.dumps({REFERENCE: "practice-7/0002"} | SMALLEST),
    ]
).decode()

TABLE = """\
client_reference,modalities,languages,province,city,wanted_times,contact.channel,contact.address,consent.care,\
consent.contact,consent.text_version,phq9
practice-7/0003,video;in_person,ur;en,PK-PB,Lahore,1 17:00-20:00;6 10:00-13:00,sms,0399 1234567,yes,yes,2026-01,\
0;1;2;0;1;0;1;0;0
practice-7/0004,audio,ps,PK-KP,,,inbox,,yes,no,2026-01,
"""

RESULTS = """\
{"line":1,"client_reference":"practice-7/0001","outcome":"accepted","case_code":"7ZK4M2XQ9T","pin":"402817"}
{"line":2,"client_reference":"practice-7/0002","outcome":"rejected","problem":{"type":"about:blank",\
"title":"Some fields cannot be accepted","status":422,"code":"invalid_request",\
"errors":[{"pointer":"/city","code":"unknown_city","detail":"no such city; see /v1/reference"}]}}
{"line":4,"client_reference":"practice-7/0004","outcome":"already_accepted","case_code":"QX8T2B6N1P","pin":"118204",\
"attention":"call_now"}
"""

RESULT_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "description": "One line of the answer.",
    "required": ["line", REFERENCE, "outcome"],
    "properties": {
        "line": {
            "type": "integer",
            "description": "The line of the file, from 1, empty lines and header counted.",
        },
        REFERENCE: {"type": ["string", "null"]},
        "outcome": {"enum": ["accepted", "already_accepted", "rejected"]},
        "case_code": {"type": "string"},
        "pin": {"type": "string"},
        "participants": {
            "type": "array",
            "description": "Who else takes part, a minor's guardian too: hand each their own code and PIN, and no other.",
            "items": {
                "type": "object",
                "required": ["role", "code", "pin"],
                "properties": {name: {"type": "string"} for name in ("role", "code", "pin")},
            },
        },
        "attention": {"enum": ["call_now"], "description": "This line raised an alarm."},
        "problem": {
            "type": "object",
            "description": "Where rejected: what POST /v1/cases would have answered.",
        },
    },
}


def described(instruments: Mapping[str, object]) -> dict[str, Any]:
    """The arguments of the route."""
    sent = body_of(CaseSent)["requestBody"]["content"]["application/json"]["schema"]
    line = sent | {
        "properties": {REFERENCE: {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$"}}
        | sent["properties"],
        "required": [REFERENCE, *sent["required"]],
    }
    return {
        "summary": "Hands over many requests",
        "description": _text(columns(tuple(instruments))),
        "openapi_extra": {
            "requestBody": {
                "required": True,
                "content": {
                    NDJSON: {"schema": line, "examples": {"lines": {"value": LINES}}},
                    CSV: {"schema": {"type": "string"}, "examples": {"table": {"value": TABLE}}},
                },
            }
        },
        "responses": {
            200: {
                "description": "One line for every line, in their order, as they become durable.",
                "content": {NDJSON: {"schema": RESULT_SCHEMA, "examples": {"results": {"value": RESULTS}}}},
            }
        },
    }


def _text(known: Mapping[str, Column]) -> str:
    return (
        "One request a line, as for POST /v1/cases, with a `client_reference` of the sender's own. The same reference "
        "and request again is `already_accepted` with the same code and PIN, so a corrected or cut-off file can be "
        "sent again as it is, however late; another request under a used reference is rejected "
        "(`reference_reused`). References belong to the organisation of the token, or to its subject. A line that is "
        "wrong is rejected alone. `participants` have the codes of everybody else who takes part, with which they answer at "
        "`/v1/invitations/{code}`; a minor's case begins with the guardian's consent. `attention: call_now`: the answers of this person raised an alarm.\n\n"
        "At most 64 KB a line and 64 MB a file; a file of more than 40,000 lines needs a client that reads while it "
        "sends. 503 with Retry-After when too many files are being read.\n\n"
        "**text/csv**: UTF-8, commas, a header row, one row a line; several values in a cell with `;` between, "
        "windows as `1 17:00-20:00` (ISO day, local wall time), answers as `0;1;;2` (nothing is an answer not given), "
        "yes or no as `yes`, `no`, `true`, `false`. An empty cell is a field that was not sent. Columns, in any order "
        "and as many as needed (`attendees` do not fit into a row): "
        + ", ".join(f"`{name}`" for name in known)
        + "."
    )
