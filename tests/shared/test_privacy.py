"""Sealing: what was sealed opens for its person, purpose, field and version, and for nothing else."""

import base64
import os
from uuid import UUID, uuid4

import pytest

from shared.privacy import SealBroken, Sealer, derive, open_box

PERSON = UUID(int=1)
BOUND = {"purpose": "contact", "person_id": PERSON, "field": "address", "version": 1}


def test_a_sealed_field_opens_with_its_key_and_binding() -> None:
    sealer = Sealer(os.urandom(32))
    key = sealer.new_key()
    box = sealer.seal(key, b"+923990000001", **BOUND)  # type: ignore[arg-type]
    assert b"92399" not in base64.b64decode(box)
    assert open_box(sealer.unwrap(key.wrapped), box, **BOUND) == b"+923990000001"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change", [{"purpose": "answers"}, {"person_id": uuid4()}, {"field": "code_word"}, {"version": 2}]
)
def test_a_box_moved_elsewhere_does_not_open(change: dict[str, object]) -> None:
    sealer = Sealer(os.urandom(32))
    key = sealer.new_key()
    box = sealer.seal(key, b"secret", **BOUND)  # type: ignore[arg-type]
    with pytest.raises(SealBroken) as told:
        open_box(key.plain, box, **(BOUND | change))  # type: ignore[arg-type]
    assert str(told.value) == ""


def test_a_changed_box_another_key_and_another_deployment_do_not_open() -> None:
    sealer = Sealer(os.urandom(32))
    key, other = sealer.new_key(), sealer.new_key()
    box = sealer.seal(key, b"secret", **BOUND)  # type: ignore[arg-type]
    raw = bytearray(base64.b64decode(box))
    raw[-1] ^= 1
    for wrong in (base64.b64encode(raw).decode(), "no base64!", ""):
        with pytest.raises(SealBroken):
            open_box(key.plain, wrong, **BOUND)  # type: ignore[arg-type]
    with pytest.raises(SealBroken):
        open_box(other.plain, box, **BOUND)  # type: ignore[arg-type]
    with pytest.raises(SealBroken):
        Sealer(os.urandom(32)).unwrap(key.wrapped)


def test_two_uses_of_one_deployment_key_have_two_keys() -> None:
    key = os.urandom(32)
    assert derive(key, "pin") != derive(key, "wrapping")
    with pytest.raises(ValueError, match="32 bytes"):
        derive(b"short", "pin")
