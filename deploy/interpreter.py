"""Prints the interpreter to make .venv from; run by whatever `python3` is, so it needs nothing else."""

import subprocess
import sys

# Distributions build theirs with profile-guided optimisation; compiled at home or by a version manager, it often is
# not. The difference was a fifth of all processor time.
CANDIDATES = ("/usr/bin/python3", "python3")

# New enough, and able to make a virtual environment with pip: some distributions pack that separately.
FIT = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))"


def main() -> None:
    """The first candidate that is fit, or plain python3."""
    sys.stdout.write(next(filter(_is_fit, CANDIDATES), "python3"))


def _is_fit(interpreter: str) -> bool:
    try:
        return subprocess.run([interpreter, "-c", FIT], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    main()
