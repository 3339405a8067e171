"""Finds the Chromium that the browser tests need, or gets it where that needs no question: as root, with apt."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")
NEEDED = (
    "The browser tests need Chromium: install the package `chromium` (or Google Chrome) and run them again."
)
INSTALL = (
    ("apt-get", "-qq", "update"),
    ("apt-get", "-qq", "install", "-y", "--no-install-recommends", "chromium"),
)


def main() -> int:
    """0 when it is there."""
    if found():
        return 0
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing chromium for the browser tests (once) ...", flush=True)
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in INSTALL:
            subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL, check=False)
    if found():
        return 0
    print(NEEDED, file=sys.stderr)
    return 1


def found() -> str | None:
    """Its path."""
    return next(filter(None, map(shutil.which, NAMES)), None)


if __name__ == "__main__":
    sys.exit(main())
