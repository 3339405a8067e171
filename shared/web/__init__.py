"""HTTP for every service: problems, bodies, batches, tokens, health, and the process around them."""

from pathlib import Path

from shared.web.access import PUBLIC, allowed, allowed_keys, allowed_services
from shared.web.application import create_app, read_other_bodies, serve_directly, show_problems
from shared.web.batching import Batcher
from shared.web.bodies import PlainText, fast_json, parse
from shared.web.cursors import moment, pack_cursor, read_cursor, whole
from shared.web.edge import Bodies, TooLarge
from shared.web.forms import FORMS, parse_form
from shared.web.moments import Day, Moment
from shared.web.problems import FieldProblem, Problem
from shared.web.process import Loop, run_process
from shared.web.tokens import Principal, TokenSigner, TokenVerifier

MIGRATIONS = Path(__file__).parent / "migrations"

__all__ = [
    "FORMS",
    "MIGRATIONS",
    "PUBLIC",
    "Batcher",
    "Bodies",
    "Day",
    "FieldProblem",
    "Loop",
    "Moment",
    "PlainText",
    "Principal",
    "Problem",
    "TokenSigner",
    "TokenVerifier",
    "TooLarge",
    "allowed",
    "allowed_keys",
    "allowed_services",
    "create_app",
    "fast_json",
    "moment",
    "pack_cursor",
    "parse",
    "parse_form",
    "read_cursor",
    "read_other_bodies",
    "run_process",
    "serve_directly",
    "show_problems",
    "whole",
]
