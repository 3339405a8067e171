"""What scheduling is told by its environment; the only module that reads it."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.settings import ProcessSettings

Role = Literal["api", "online", "in_person", "migrate"]


class Settings(BaseSettings):
    """Read once at start."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    process: ProcessSettings = Field(default_factory=ProcessSettings)
    token_public_key_file: Path = Path("token.public.json")
    pool_size: int = 6
