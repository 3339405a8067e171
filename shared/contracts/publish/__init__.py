"""Writes the published language down: JSON Schemas, docs/events.md, and AsyncAPI documents in docs/asyncapi.

`python -m shared.contracts.publish` writes; `--check` fails when what is checked in is stale; `--baseline` makes the
schemas of now those that later ones are compared with (`breaks.yaml`).
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

from shared.contracts.publish import asyncapi, page, partner
from shared.contracts.publish.schemas import schema_of
from shared.contracts.topics import EVENTS

ROOT = Path(__file__).parents[3]
SCHEMAS = Path(__file__).parents[1] / "schemas"
BASELINE = SCHEMAS.with_name("baseline")
BREAKS = SCHEMAS.with_name("breaks.yaml")
PAGE = ROOT / "docs" / "events.md"
ASYNCAPI = ROOT / "docs" / "asyncapi"
# For the developers of partners; the other documents are the services'.
PARTNER = ASYNCAPI / "bookings-for-partners.yaml"


def files() -> dict[Path, str]:
    """Every generated file with its text."""
    schemas = {
        SCHEMAS / f"{name}.json": json.dumps(schema_of(event), indent=2, sort_keys=True) + "\n"
        for name, event in EVENTS.items()
    }
    documents = {ASYNCAPI / f"{name}.yaml": _yaml(one) for name, one in asyncapi.documents().items()}
    return schemas | documents | {PARTNER: _yaml(partner.partner_document()), PAGE: page.page()}


def main() -> int:
    """Writes, or checks."""
    fresh = files()
    stale = [path for path, text in fresh.items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv:
        sys.stdout.writelines(f"stale: {path.relative_to(ROOT)}\n" for path in stale)
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(fresh[path])
    if "--baseline" in sys.argv:
        shutil.rmtree(BASELINE)
        shutil.copytree(SCHEMAS, BASELINE)
    return 0


class _Plain(yaml.CSafeDumper):
    """Writes a part again where it stands again: an alias would make a reader look for it."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def long_text(self, text: str) -> yaml.Node:
        return self.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Plain.add_representer(str, _Plain.long_text)


def _yaml(document: Any) -> str:
    return yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)


__all__ = ["ASYNCAPI", "BASELINE", "BREAKS", "PAGE", "PARTNER", "SCHEMAS", "files", "main", "schema_of"]
