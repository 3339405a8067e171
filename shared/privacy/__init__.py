"""Sealing what may be read by few, and only while the person's key stands."""

from shared.privacy.sealing import DataKey, SealBroken, Sealer, derive, lookup_hash, open_box, read_key

__all__ = ["DataKey", "SealBroken", "Sealer", "derive", "lookup_hash", "open_box", "read_key"]
