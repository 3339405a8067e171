"""Jars are run only when they are byte for byte the ones the lock names."""

import hashlib
from pathlib import Path

import pytest

from deploy.local import jars


def lock_of(folder: Path, content: bytes) -> Path:
    lock = folder / "jars.lock"
    digest = hashlib.sha256(content).hexdigest()
    lock.write_text(f"# product, sha256, coordinate\nkafka {digest} org.example:broker:1.0\n")
    return lock


def test_the_right_jar_is_on_the_class_path(tmp_path: Path) -> None:
    (tmp_path / "broker-1.0.jar").write_bytes(b"right")
    assert jars.class_path("kafka", cache=tmp_path, lock=lock_of(tmp_path, b"right")) == str(
        tmp_path / "broker-1.0.jar"
    )


def test_a_changed_jar_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broker-1.0.jar").write_bytes(b"wrong")
    with pytest.raises(jars.WrongJar, match=r"broker-1\.0\.jar"):
        jars.class_path("kafka", cache=tmp_path, lock=lock_of(tmp_path, b"right"))


def test_every_product_of_the_lock_is_what_the_table_asks_for() -> None:
    locked = jars.read_lock()
    assert {jar.product for jar in locked} == set(jars.PRODUCTS)
    for product, coordinates in jars.PRODUCTS.items():
        assert set(coordinates) <= {jar.coordinate for jar in locked if jar.product == product}
    assert len({jar.file for jar in locked}) == len(locked)


def test_the_lock_names_no_host() -> None:
    assert "//" not in jars.LOCK.read_text()
