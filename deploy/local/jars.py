"""The jars of Apache Kafka and Zipkin: fetched once per machine by coordinate, trusted by checksum only."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from jgo.maven import Dependency, MavenContext

LOCK = Path(__file__).with_name("jars.lock")
# What the lock is made from, by `python -m deploy.local.jars`.
PRODUCTS = {
    "kafka": ("org.apache.kafka:kafka_2.13:4.4.0", "org.slf4j:slf4j-simple:1.7.36"),
    "zipkin": ("io.zipkin:zipkin-server:3.6.1:slim",),
}
ALONE = ("zipkin",)  # an executable jar carries what it needs


class WrongJar(Exception):
    """A jar is not the one the lock names; nothing is run."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock: `<product> <sha256> <group:artifact:version[:classifier]>`."""

    product: str
    sha256: str
    coordinate: str

    @property
    def file(self) -> str:
        _group, artifact, version, *classifier = self.coordinate.split(":")
        return "-".join((artifact, version, *classifier)) + ".jar"


def read_lock(lock: Path = LOCK) -> list[Jar]:
    lines = (line.split() for line in lock.read_text().splitlines() if not line.startswith("#"))
    return [Jar(*fields) for fields in lines if fields]


def cache_folder() -> Path:
    """Per user, so that a second checkout does not fetch again."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "humqadam" / "jars"


def class_path(product: str, *, cache: Path | None = None, lock: Path = LOCK) -> str:
    """The product's jars as a class path, each fetched when missing and checked against the lock."""
    folder = cache or cache_folder()
    wanted = [jar for jar in read_lock(lock) if jar.product == product]
    missing = [jar for jar in wanted if not (folder / jar.file).exists()]
    if missing:
        _fetch(missing, folder)
    for jar in wanted:
        check(folder / jar.file, jar)
    return os.pathsep.join(str(folder / jar.file) for jar in wanted)


def check(file: Path, jar: Jar) -> None:
    """Refuses a file that is not the one the lock names, whoever put it there."""
    found = _sha256(file)
    if found != jar.sha256:
        raise WrongJar(f"{file}: sha256 is {found}, the lock says {jar.sha256}; delete it and try again")


def _fetch(missing: Sequence[Jar], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    # Downloaded elsewhere, checked, then moved in one step: a broken download never looks like a jar.
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        context = MavenContext(repo_cache=Path(fresh), timeout=60)
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda jar: _fetch_one(context, jar, folder), missing))


def _fetch_one(context: MavenContext, jar: Jar, folder: Path) -> None:
    group, artifact, version, *classifier = jar.coordinate.split(":")
    component = context.project(group, artifact).at_version(version)
    file = component.artifact(classifier=classifier[0] if classifier else "").resolve()
    check(file, jar)
    shutil.move(file, folder / jar.file)


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _lines() -> Iterable[str]:
    yield "# Made by `python -m deploy.local.jars`: product, sha256, coordinate."
    with tempfile.TemporaryDirectory() as fresh:
        context = MavenContext(repo_cache=Path(fresh), timeout=60)
        for product, coordinates in PRODUCTS.items():
            named = [context.create_dependency(one) for one in coordinates]
            needed: list[Dependency] = []
            if product not in ALONE:
                named, needed = context.resolver.resolve(named)
            lines = (_line(product, dependency) for dependency in (*named, *needed))
            yield from sorted(lines, key=lambda line: line.split()[2])


def _line(product: str, dependency: Dependency) -> str:
    parts = (dependency.groupId, dependency.artifactId, dependency.version, dependency.classifier)
    return f"{product} {_sha256(dependency.artifact.resolve())} {':'.join(part for part in parts if part)}"


if __name__ == "__main__":
    LOCK.write_text("\n".join(_lines()) + "\n")
