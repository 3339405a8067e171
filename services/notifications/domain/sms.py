"""How a text is cut into SMS parts; a wrong count is a wrong bill and a message torn apart."""

# GSM 03.38 (3GPP TS 23.038): the default alphabet, and the extension table whose signs cost two septets.
GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENSION = frozenset("\f^{}\\[~]|€")
GSM7_SINGLE, GSM7_PART = 160, 153
UCS2_SINGLE, UCS2_PART = 70, 67


GSM7_ALL = GSM7 | GSM7_EXTENSION


def is_gsm7(text: str) -> bool:
    """Whether every character has a place in the GSM alphabet; one that has not makes the whole text UCS-2."""
    return GSM7_ALL.issuperset(text)


def count_parts(text: str) -> int:
    """The number of SMS a text needs: 160 or 153 septets a part in GSM-7, 70 or 67 units in UCS-2."""
    if len(text) <= GSM7_SINGLE and GSM7.issuperset(text):
        return 1
    if is_gsm7(text):
        return _parts([2 if sign in GSM7_EXTENSION else 1 for sign in text], GSM7_SINGLE, GSM7_PART)
    return _parts([2 if ord(sign) > 0xFFFF else 1 for sign in text], UCS2_SINGLE, UCS2_PART)


def _parts(costs: list[int], single: int, part: int) -> int:
    """A sign that costs two units is never cut in half (TS 23.040): it moves to the next part."""
    if sum(costs) <= single:
        return 1
    parts, used = 1, 0
    for cost in costs:
        if used + cost > part:
            parts, used = parts + 1, 0
        used += cost
    return parts
