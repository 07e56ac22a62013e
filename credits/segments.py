"""How many segments a text is sent, and charged, as.

The characters and their septets are those of 3GPP TS 23.038, section 6.2.1; how segments are joined
is in 3GPP TS 23.040, section 9.2.3.24.1: each segment of several loses six octets to its header.
"""

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")  # after an escape: two septets

GSM7_ALONE, GSM7_JOINED = 160, 153  # septets
UCS2_ALONE, UCS2_JOINED = 70, 67  # units of two octets


def is_gsm7(text: str) -> bool:
    """Whether every character is in the GSM alphabet; a single other one makes all of it UCS-2."""
    return all(character in BASIC or character in EXTENDED for character in text)


def count(text: str) -> int:
    """The segments of a text; an empty one has one. A character is never torn apart."""
    if is_gsm7(text):
        return _fill([1 + (one in EXTENDED) for one in text], GSM7_ALONE, GSM7_JOINED)
    return _fill([1 + (ord(one) > 0xFFFF) for one in text], UCS2_ALONE, UCS2_JOINED)


def _fill(sizes: list[int], alone: int, joined: int) -> int:
    if sum(sizes) <= alone:
        return 1
    segments, used = 1, 0
    for size in sizes:
        if used + size > joined:
            segments, used = segments + 1, 0
        used += size
    return segments
