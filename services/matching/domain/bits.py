"""Rows of bits, one bit per therapist, as whole numbers: a rule over all of them is one AND.

Measured: for 1,500 therapists an AND and a count of Python's integers take 0.2 µs, of numpy's arrays 4 µs.
"""

from collections.abc import Iterable, Sequence

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
    octets = np.frombuffer(row.to_bytes((length + 7) // 8, "little"), np.uint8)
    return np.unpackbits(octets, count=length, bitorder="little").view(np.bool_)


def members(row: Bits) -> Numbers:
    """The places of the bits that are set, rising."""
    return np.flatnonzero(unpack(row, row.bit_length()))


def row_of(numbers: Numbers | Sequence[int], length: int) -> Bits:
    """The row in which these places are set."""
    if not len(numbers):
        return 0
    flags = np.zeros(length, bool)
    flags[numbers] = True
    return pack(flags)


def column(values: Iterable[int]) -> Numbers:
    """Whole numbers, one per therapist."""
    return np.fromiter(values, np.int64)
