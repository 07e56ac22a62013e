"""How many segments a text is sent and charged as (3GPP TS 23.038: GSM-7, else UCS-2)."""

GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_ESCAPED = frozenset("\f^{}\\[~]|€")  # two septets each


def count(body: str) -> int:
    """Segments of a text: 160 septets, or 153 in each of several; in UCS-2, 70 or 67 units."""
    if all(char in GSM7 or char in GSM7_ESCAPED for char in body):
        return _pack([2 if char in GSM7_ESCAPED else 1 for char in body], alone=160, joined=153)
    return _pack([2 if ord(char) > 0xFFFF else 1 for char in body], alone=70, joined=67)


def _pack(sizes: list[int], *, alone: int, joined: int) -> int:
    if sum(sizes) <= alone:
        return 1
    segments, room = 1, joined
    for size in sizes:
        if size > room:  # an escape or a surrogate pair is not torn apart
            segments, room = segments + 1, joined
        room -= size
    return segments
