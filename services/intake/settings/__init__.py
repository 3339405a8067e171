"""What intake is told by its environment; the only module that reads it. `data_files` reads what is signed."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.settings import ProcessSettings


class Settings(BaseSettings):
    """Read once at start. Files are named where secrets are: a secret itself is never in the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    process: ProcessSettings = Field(default_factory=ProcessSettings)
    vault_database_url: str = ""  # for migrations only: the vault itself gets its own as database_url
    deployment_key_file: Path = Path("deployment.key")
    token_key_file: Path = Path("token.json")
    token_public_key_file: Path = Path("token.public.json")
    service_token_file: Path = Path("service_tokens.json")
    # Where somebody is taken who must leave our pages at once: something that anybody may have open.
    quick_exit_url: str = "https://www.bbc.com/weather"
    # So many events may wait for the broker before people are told to come again: more than five minutes without it at
    # 833 requests a second (24 million in a night of eight hours), 2 GB on the disk.
    outbox_limit: int = 1_000_000
    # So many seconds whoever asks may have to wait for the first answer before people are told to come again; files at a fifth
    # of it. What is accepted is answered within a minute after a flood has ended.
    most_wait_s: float = 60.0
    vault_url: str = "http://127.0.0.1:8101"  # where the crisis role asks for the keys of alarms
    crisis_url: str = (
        ""  # where the api role hands on whoever may be in danger; empty: it takes them in itself
    )
    matching_url: str = ""  # where a browser finds matching; empty where one address serves everything


__all__ = ["Settings"]
