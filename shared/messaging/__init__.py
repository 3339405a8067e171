"""The event kernel: what is written is sent, what is read is applied once, in order. It knows no domain word."""

from pathlib import Path

from shared.messaging.consumer import Consumer
from shared.messaging.due_loop import DueLoop
from shared.messaging.kafka import KafkaSettings, ensure_topics
from shared.messaging.kernel import Kernel, Loop, open_kernel
from shared.messaging.relay import Relay
from shared.messaging.transaction import Database, Due, Transaction

MIGRATIONS = Path(__file__).parent / "migrations"

__all__ = [
    "MIGRATIONS",
    "Consumer",
    "Database",
    "Due",
    "DueLoop",
    "KafkaSettings",
    "Kernel",
    "Loop",
    "Relay",
    "Transaction",
    "ensure_topics",
    "open_kernel",
]
