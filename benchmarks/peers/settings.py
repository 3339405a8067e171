"""What a peer's process is told by its environment; the only module that reads it."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class PeerSettings(BaseSettings):
    """`concurrency`: how many messages or workflows a process works on at a time. `executor` is what DBOS tells one process from
    another by; `temporal_address` host:port of Temporal's server."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    database_url: str
    kafka_bootstrap_servers: str
    deployment_key_file: Path
    sms_gateway_url: str
    smtp_host: str = "127.0.0.1"
    smtp_port: int
    http_host: str = "127.0.0.1"
    http_port: int
    concurrency: int = 8
    system_database_url: str = ""
    executor: str = "one"
    temporal_address: str = ""
