"""Composition root of scheduling: one process per role; wires everything, decides nothing."""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import get_args

import uvloop
from fastapi import FastAPI

from services.scheduling.handlers import HANDLERS, KNOWING_HANDLERS
from services.scheduling.settings import Role, Settings
from shared import messaging
from shared.contracts.topics import TOPICS
from shared.messaging import KafkaSettings, Loop, open_kernel
from shared.postgres import migrate
from shared.web import TokenVerifier, create_app, run_process
from shared.web.process import Close

SCHEMA = "scheduling"


def migrations() -> list[Path]:
    """The folders of this schema's migrations, in order."""
    return [messaging.MIGRATIONS, Path(__file__).parent / "migrations"]
