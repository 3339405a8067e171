"""Which words may never stand on somebody's lock screen: a phone is often read by others than its owner."""

import re
import unicodedata
from dataclasses import dataclass

# A link's domain can give the topic away; so can an unknown number of look-alikes: no links at all.
LINK = re.compile(r"://|\bwww\b|[a-z0-9-]\.[a-z]{2,}(?:[/:?#]|\b)|@\w", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ForbiddenWords:
    """`stems` are refused anywhere in a word, `words` only as whole words; both already folded."""

    stems: tuple[str, ...]
    words: frozenset[str]


def fold(text: str) -> str:
    """One spelling for many: compatibility forms, case, marks, joiners and the letter variants of Urdu."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    kept = (sign for sign in plain if unicodedata.category(sign) not in {"Mn", "Cf", "Lm"})
    return "".join(kept).translate(_SAME_LETTER)


# Arabic and Persian code points that look alike in Urdu words: yeh, kaf and heh variants.
_SAME_LETTER = str.maketrans({"ي": "ی", "ى": "ی", "ك": "ک", "ہ": "ه", "ۃ": "ه", "ة": "ه", "ھ": "ه"})


def findings(text: str, forbidden: ForbiddenWords) -> list[str]:
    """What makes a text unfit, as words for whoever wrote it; empty when it is neutral."""
    folded = fold(text)
    squeezed = re.sub(r"[\W_]+", "", folded)
    found = [stem for stem in forbidden.stems if stem in folded or stem in squeezed]
    found += [word for word in re.findall(r"[^\W\d_]+", folded) if word in forbidden.words]
    if LINK.search(text) or LINK.search(folded):
        found.append("a link or address")
    return sorted(set(found))
