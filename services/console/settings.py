"""Where the console finds the database, the broker and the local issuer's key; the only reader of the environment."""

import json
from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.settings import BrokerSettings, ProcessSettings

LOCAL = Path(".local")


class ConsoleSettings(BrokerSettings):
    """Environment variables without a prefix, as every process reads them; what they do not say is that of the
    stack which `make up` keeps in this folder."""

    database_url: str = ""
    kafka_bootstrap_servers: str = ""
    kafka_replication: int = 1
    partner_topics: str = "rehmat-hospital"
    token_key_file: Path = LOCAL / "secrets" / "token.key"
    answer_seconds: float = 30.0  # how long a running process may take to serve a request

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, LocalStack(settings_cls)

    @property
    def partners(self) -> tuple[str, ...]:
        """Organisations that read a topic of their own."""
        return tuple(name for name in self.partner_topics.replace(" ", "").split(",") if name)


class LocalStack(PydanticBaseSettingsSource):
    """The stack of this checkout, by the map of ports it writes."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        file = LOCAL / "ports.json"
        if not file.exists():
            return {}
        ports = json.loads(file.read_text())
        return {
            "database_url": f"postgresql://console@127.0.0.1:{ports['postgres']}/humqadam",
            "kafka_bootstrap_servers": f"127.0.0.1:{ports['kafka']}",
        }


def read_settings() -> ConsoleSettings:
    """The settings; what nobody has said is empty, and told when it is needed."""
    return ConsoleSettings()


class ServeSettings(BaseSettings):
    """What the process that serves the worklist is told. `zipkin_url`: where traces are looked at,
    empty where nowhere; `notifications_url`: who knows how people are reached."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    process: ProcessSettings = Field(default_factory=ProcessSettings)
    token_public_key_file: Path = Path("token.public.json")
    service_token_file: Path = Path("console.token")  # marks the forms of staff pages
    zipkin_url: str = ""
    notifications_url: str = "http://127.0.0.1:8104"
    pool_size: int = 3
