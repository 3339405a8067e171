"""What scheduling is told by its environment; the only module that reads it."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.scheduling.domain.holidays import Almanac, EveryYear, Holiday
from shared.settings import ProcessSettings, read_yaml

HOLIDAYS = Path(__file__).parent / "data" / "holidays.yaml"

Role = Literal["api", "online", "in_person", "migrate"]


class Settings(BaseSettings):
    """Read once at start."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    process: ProcessSettings = Field(default_factory=ProcessSettings)
    token_public_key_file: Path = Path("token.public.json")
    pool_size: int = 6
    # How long a mistaken arrival or no-show can be taken back: as long as whoever missed an hour is not asked why yet
    # (notifications waits an hour before). Later a person may have read that they were missed. Design.
    undo_minutes: Annotated[int, Field(ge=1, le=60)] = 60


def read_almanac(file: Path = HOLIDAYS) -> Almanac:
    """The holidays that are printed in calendars, none of which is in force by that."""
    said = read_yaml(file)
    source, zone = said["source"], said["time_zone"]
    return Almanac(
        source=source,
        time_zone=zone,
        every_year=tuple(EveryYear(**one) for one in said["every_year"]),
        once=tuple(
            Holiday(time_zone=zone, status="tentative", source=source, verified_on=None, **one)
            for one in said["once"]
        ),
    )
