"""What notifications reads at start, and what it refuses to start with."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from services.notifications.settings import Settings


def test_production_does_not_start_without_the_duty_desks_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(ValidationError, match="DUTY_DESK_NUMBER"):
        Settings()
    monkeypatch.setenv("DUTY_DESK_NUMBER", "+920000000000")
    assert Settings().production


def test_production_does_not_start_with_whatsapp_and_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("DUTY_DESK_NUMBER", "+920000000000")
    monkeypatch.setenv("WHATSAPP_URL", "https://graph.example/v1/1")
    with pytest.raises(ValidationError, match="WHATSAPP_TOKEN"):
        Settings()
    monkeypatch.setenv("WHATSAPP_TOKEN", "of-the-platform")
    assert "of-the-platform" not in repr(Settings())


def test_a_batch_is_never_larger_than_the_vault_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDER_BATCH", "501")
    with pytest.raises(ValidationError):
        Settings()


def test_the_token_is_the_files_text_or_our_entry_in_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    monkeypatch.setenv("SERVICE_TOKEN_FILE", str(file))
    file.write_text("secret\n")
    assert Settings().service_token() == "secret"
    file.write_text('{"notifications": "ours", "console": "theirs"}')
    assert Settings().service_token() == "ours"
