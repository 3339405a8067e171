"""What matching is told by its environment and by its data files; the only module that reads either."""

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.matching.domain.alternatives import Alternatives, Rule
from services.matching.domain.continuity import TellingTimes
from services.matching.domain.credentials import Allowance, CredentialTable, Row, Validity
from services.matching.domain.places import Cities, Point
from services.matching.domain.policy import InconsistentPolicyError, Points, Policy
from services.matching.domain.sieve import OTHER_REASONS, REASONS
from services.matching.domain.vocabulary import RegisterStatus
from services.matching.domain.waiting import Ageing, Waiting
from shared.contracts.told import WAIT_REASONS
from shared.settings import ProcessSettings, read_yaml

DATA = Path(__file__).parent / "data"
WAITING = DATA / "waiting.yaml"
ALTERNATIVES = DATA / "alternatives.yaml"
CONTINUITY = DATA / "continuity.yaml"
CREDENTIALS = DATA / "credentials.yaml"

Role = Literal["all", "api", "worker", "migrate"]


class Settings(BaseSettings):
    """Read once at start. The crisis group has a pool of its own, which no flood of cases can take."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    process: ProcessSettings = Field(default_factory=ProcessSettings)
    token_public_key_file: Path = Path("token.public.json")
    intake_url: str = ""  # where a browser finds the pages; empty where one address serves everything
    pool_size: int = 6
    crisis_pool_size: int = 2


def read_policy(file: Path = DATA / "matching.yaml") -> tuple[Policy, bool]:
    """The policy, and whether somebody has signed all of it. Raises InconsistentPolicyError, KeyError or TypeError."""
    if untold := {*REASONS.values(), *OTHER_REASONS} - set(WAIT_REASONS):
        raise InconsistentPolicyError(f"nobody knows the reason {sorted(untold)}")
    said = read_yaml(file)
    policy = Policy(
        version=said["version"],
        attempts=said["attempts"],
        candidates=said["candidates"],
        minutes=said["session_minutes"],
        notice=timedelta(hours=said["notice_hours"]),
        horizon=timedelta(days=said["horizon_days"]),
        radius_km=said["radius_km"],
        weekly_limit_most=said["weekly_limit_most"],
        credentials=read_credentials(),
        points=Points(**said["points"]).checked(),
        review_days=said["review_days"],
        alarm_priority=said["alarm_priority"],
        waiting=read_waiting().checked(said["alarm_priority"]),
        alternatives=read_alternatives().checked(),
        continuity=read_continuity(),
    )
    files = (file, WAITING, ALTERNATIVES, CREDENTIALS, CONTINUITY)
    return policy, all(read_yaml(one)["signed_off"] for one in files)


def read_waiting(file: Path = WAITING) -> Waiting:
    """How people who choose or wait are treated. Raises KeyError or TypeError."""
    said = read_yaml(file)
    return Waiting(
        version=said["version"],
        choices=said["choices"],
        hours_to_choose=said["hours_to_choose"],
        kept=timedelta(hours=said["hours_kept"]),
        bands_km=tuple(sorted(said["distance_bands_km"])),
        ageing=Ageing(timedelta(days=said["ageing"]["days"]), said["ageing"]["highest"]),
        wake_every=timedelta(seconds=said["wake"]["seconds"]),
        woken_at_once=said["wake"]["at_once"],
        rest=timedelta(hours=said["wake"]["rest_hours"]),
    )


def read_continuity(file: Path = CONTINUITY) -> TellingTimes:
    """How soon people are told that their therapist is out. Raises KeyError or TypeError."""
    said = read_yaml(file)
    within, before = said["hour"]["within_hours"], said["hour"]["before_hours"]
    return TellingTimes(said["version"], timedelta(hours=within), timedelta(hours=before))


def read_alternatives(file: Path = ALTERNATIVES) -> Alternatives:
    """Other help meanwhile. Raises InconsistentPolicyError, KeyError or TypeError."""
    said = read_yaml(file)
    rules = [
        Rule(
            rule["kind"], frozenset(rule["steps"]) if "steps" in rule else None, rule.get("least_priority", 0)
        )
        for rule in said["rules"]
    ]
    if strangers := set(said["not_for"]) - set(WAIT_REASONS):
        raise InconsistentPolicyError(f"no such reason: {sorted(strangers)}")
    return Alternatives(said["version"], rules, frozenset(said["not_for"]))


def read_credentials(file: Path = CREDENTIALS) -> CredentialTable:
    """What a credential allows. Raises InconsistentPolicyError, KeyError or TypeError."""
    said = read_yaml(file)
    rows: dict[Row, Allowance] = {}
    for row in said["rows"]:
        about = {name: row[name] for name in Row._fields}
        place = Row(**about)
        if place in rows:
            raise InconsistentPolicyError(f"two rows for {place}")
        lists = {name: tuple(row.get(name, ())) for name in ("lanes", "steps")}
        rows[place] = Allowance(**{name: row[name] for name in row.keys() - about.keys()} | lists)
    return CredentialTable(said["version"], rows, _validity(said["validity"]))


def _validity(said: dict[str, Any]) -> Validity:
    lapses = said["lapses_to"]
    if strangers := {*lapses, *lapses.values()} - set(get_args(RegisterStatus)):
        raise InconsistentPolicyError(f"no such status: {sorted(strangers)}")
    return Validity(said["time_zone"], timedelta(days=said["warning_days"]), lapses)


def read_cities(file: Path = DATA / "places.yaml") -> Cities:
    """Where each city is, by its name in casefold."""
    said = read_yaml(file)
    return {city["name"].casefold(): Point(city["latitude"], city["longitude"]) for city in said["cities"]}
