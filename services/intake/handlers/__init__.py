"""Intake's use cases, each load, decide, save, emit on a batch; HANDLERS is what Kafka calls."""

from services.intake.handlers.progress import HANDLERS

__all__ = ["HANDLERS"]
