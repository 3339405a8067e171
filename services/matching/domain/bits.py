"""Rows of bits, one bit per therapist, as whole numbers: a rule over all of them is one AND.

Measured: for 1,500 therapists an AND and a count of Python's integers take 0.2 µs, of numpy's arrays 4 µs.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Bits = int
Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]


def pack(flags: Flags) -> Bits:
    """Flags as bits; the first flag is the lowest bit."""
    return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")


def unpack(row: Bits, length: int) -> Flags:
    """The reverse of `pack`."""
    flags = np.zeros(length, bool)
    flags[members(row)] = True
    return flags


def members(row: Bits) -> Numbers:
    """The places of the bits that are set, rising."""
    octets = row.to_bytes((row.bit_length() + 7) // 8, "little")
    return np.flatnonzero(np.unpackbits(np.frombuffer(octets, np.uint8), bitorder="little"))


def column(values: Iterable[int]) -> Numbers:
    """Whole numbers, one per therapist."""
    return np.fromiter(values, np.int64)
