"""Whether an answer says that no message is wanted any more: a whole answer of one of a few words, never a part of one."""

import re
from collections.abc import Collection

from services.notifications.domain.wording import fold

LONGEST = 40


def wants_no_more(answer: str, words: Collection[str]) -> bool:
    """`words` are folded. Whoever writes more than that writes to somebody, and is not stopped by a word in it."""
    if len(answer) > LONGEST:
        return False
    return " ".join(re.findall(r"[^\W_]+", fold(answer))) in words
