"""Case codes and PINs: what a person keeps in order to come back. Speakable, printable, typo-proof."""

import hmac
import unicodedata
from uuid import UUID

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O or U
CODE_LENGTH = 10
LONGEST_TRY = 40  # of what somebody offers as a code
BYTES_PER_CODE = CODE_LENGTH - 1
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}
# What eyes and ears take for one another (https://www.crockford.com/base32.html), and what stands between.
_AS_HEARD = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None})


def case_codes(randomness: bytes) -> list[str]:
    """One code per nine random bytes (5 of each byte's bits are used): nine letters and a check letter."""
    bodies = (
        "".join(ALPHABET[byte & 31] for byte in randomness[start : start + BYTES_PER_CODE])
        for start in range(0, len(randomness) - BYTES_PER_CODE + 1, BYTES_PER_CODE)
    )
    return [body + check_letter(body) for body in bodies]


def check_letter(body: str) -> str:
    """ISO 7064's hybrid scheme with modulus 33,32: every single wrong letter is noticed."""
    return ALPHABET[(33 - _running_product(body)) % 32]


def read_case_code(text: str) -> str | None:
    """The code as it was meant (any case or digits, hyphens, I for 1, O for 0), or None if it cannot be one."""
    code = _in_ascii_digits(text).upper().translate(_AS_HEARD)
    if len(code) != CODE_LENGTH or any(letter not in _VALUES for letter in code):
        return None
    return code if check_letter(code[:-1]) == code[-1] else None


def tried_code(text: str) -> str:
    """The code as it was meant; what cannot be one as it came, for it is simply wrong: without NUL, which no column takes."""
    return read_case_code(text) or text.replace("\0", "")[:LONGEST_TRY]


def read_pin(text: str) -> str:
    """The PIN as it was meant: any digits, and without the spaces and marks that come with right-to-left text."""
    return "".join(_in_ascii_digits(text).split())


def pin(key: bytes, case_id: UUID) -> str:
    """Six digits from HMAC-SHA-256 of the case: the same each time, so that nothing needs to be stored.

    48 bits modulo a million is uneven by less than one part in 10**8.
    """
    digest = hmac.digest(key, case_id.bytes, "sha256")
    return f"{int.from_bytes(digest[:6], 'big') % 1_000_000:06d}"


def pin_matches(key: bytes, case_id: UUID, offered: str) -> bool:
    """Compared in constant time; anything but ASCII is simply wrong."""
    return hmac.compare_digest(pin(key, case_id).encode(), offered.encode())


def _in_ascii_digits(text: str) -> str:
    # Urdu keyboards write U+06F0 to U+06F9, Arabic ones U+0660 to U+0669.
    signs = (sign for sign in text if unicodedata.category(sign) != "Cf")
    return "".join(str(unicodedata.decimal(sign, sign)) for sign in signs)


def _running_product(body: str) -> int:
    product = 32
    for letter in body:
        total = (product + _VALUES[letter]) % 32 or 32
        product = total * 2 % 33
    return product
