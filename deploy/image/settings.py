"""Where an installation in containers keeps its secrets, and how its database is reached as administrator."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class PrepareSettings(BaseSettings):
    """Environment variables without a prefix, as every process reads them."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    secrets_dir: Path = Path("/var/lib/humqadam")
    database_host: str = "postgres"
    database_port: int = 5432
