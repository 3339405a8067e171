"""The office of a network of therapists: has no Kafka, follows its bookings over HTTP with an API key, keeps own books."""

from pathlib import Path

ORGANISATION = "humqadam-network"
KEY_FILE = f"{ORGANISATION}.key"


def key_file(secrets: Path) -> Path:
    """Where the operator has put the office's key, once there is one."""
    return secrets / KEY_FILE
