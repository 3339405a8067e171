"""Rows to columns: what `unnest` takes."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any


def columns(rows: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The slots of equal dataclasses, one sequence per field as declared; never of no rows."""
    return list(zip(*map(attrgetter(*type(rows[0]).__slots__), rows), strict=True))
