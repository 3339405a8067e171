"""Rows of bits, one bit per therapist: a rule over all of them is one AND."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint64]
Numbers = NDArray[np.int64]

WORD = 64


def pack(flags: NDArray[np.bool_]) -> Bits:
    """Flags as bits, padded with zeros to whole words."""
    octets = np.zeros(-(-len(flags) // WORD) * WORD // 8, np.uint8)
    packed = np.packbits(flags, bitorder="little")
    octets[: len(packed)] = packed
    return octets.view(np.uint64)


def members(row: Bits) -> Numbers:
    """The places of the bits that are set, rising."""
    return np.flatnonzero(np.unpackbits(row.view(np.uint8), bitorder="little"))


def count(row: Bits) -> int:
    """How many bits are set."""
    return int(np.bitwise_count(row).sum())


def column(values: Any) -> Numbers:
    """Whole numbers, one per therapist."""
    return np.fromiter(values, np.int64)
