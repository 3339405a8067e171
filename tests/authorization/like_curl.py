"""`python -m tests.authorization.like_curl`: as much of curl(1) as the README uses, where there is none to paste into."""

import argparse
import sys
from pathlib import Path

import httpx2


def main() -> None:
    """Prints the body, then `-w`. A body makes it a POST; `@name` is read from a file."""
    parser = argparse.ArgumentParser(prog="curl")
    parser.add_argument("url")
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-H", action="append", default=[], dest="headers")
    parser.add_argument("-d", "--data-binary", dest="data")
    parser.add_argument("-w", default="", dest="then")
    told = parser.parse_args()
    headers = {name: value.strip() for name, _, value in (one.partition(":") for one in told.headers)}
    body = (
        Path(told.data[1:]).read_bytes() if (told.data or "").startswith("@") else (told.data or "").encode()
    )
    answer = httpx2.request(
        "GET" if told.data is None else "POST", told.url, headers=headers, content=body, timeout=60
    )
    then = told.then.replace("\\n", "\n").replace("%{http_code}", str(answer.status_code))
    sys.stdout.write(answer.text + then)


if __name__ == "__main__":
    main()
