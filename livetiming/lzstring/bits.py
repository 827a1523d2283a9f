"""Streams of bits as large integers, the first bit lowest; and LZ-String's characters, which hold 15 of them each.

Loops over bits, or over codes, are what makes LZ-String slow in Python. Here all numbers of one width move at once:
they lie in slots of equal size of one large integer, neighbours are pushed together, pairwise and three times, until
eight of them fill whole bytes, and the bytes are copied with a stride. That is `gather`; `spread` is its reverse.
"""

Bits = tuple[int, int]  # the bits, and how many they are

_CHARACTER = 15  # bits in a character
_SLOT = 16
_BASE = 0x20
_TURNED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def gather(slots: int, count: int, width: int, slot: int) -> int:
    """`count` numbers of `width` bits, one in each slot of `slot` bits, put together without gaps.

    The bits of a slot above `width` may be anything.
    """
    groups = -(-count // 8)
    size, period = width, 2 * slot
    for _ in range(3):
        low = _repeat((1 << size) - 1, period, groups * 8 * slot)
        slots = (slots & low) | ((slots >> (period // 2 - size)) & (low << size))
        size, period = 2 * size, 2 * period
    wide = slots.to_bytes(groups * slot, "little")
    dense = bytearray(groups * width)
    for byte in range(width):
        dense[byte::width] = wide[byte::slot]
    return int.from_bytes(dense, "little")


def spread(packed: int, count: int, width: int, slot: int) -> int:
    """What `gather` put together, each number in its slot again."""
    groups = -(-count // 8)
    dense = packed.to_bytes(groups * width, "little")
    wide = bytearray(groups * slot)
    for byte in range(width):
        wide[byte::slot] = dense[byte::width]
    slots = int.from_bytes(wide, "little")
    size, period = 4 * width, 8 * slot
    for _ in range(3):
        low = _repeat((1 << size) - 1, period, groups * 8 * slot)
        slots = (slots & low) | ((slots & (low << size)) << (period // 2 - size))
        size, period = size // 2, period // 2
    return slots


def join(pieces: list[Bits]) -> Bits:
    """One stream of many pieces: pairwise, so that a long one is not copied for each short one that follows."""
    while len(pieces) > 1:
        pairs = zip(pieces[::2], pieces[1::2], strict=False)
        odd = pieces[len(pieces) & ~1 :]
        pieces = [(first | second << size, size + more) for (first, size), (second, more) in pairs] + odd
    return pieces[0] if pieces else (0, 0)


def to_text(packed: int, length: int) -> str:
    """The characters that hold `length` bits; what is left of the last one is zeros."""
    count = -(-length // _CHARACTER)
    groups = -(-count // 8)
    slots = spread(packed, count, _CHARACTER, _SLOT).to_bytes(16 * groups, "little")
    # A character has its first bit highest: reverse the bits of each byte, then take the two bytes in the other order.
    turned = (int.from_bytes(slots.translate(_TURNED), "big") >> 1) + _repeat(_BASE, _SLOT, 128 * groups)
    return turned.to_bytes(16 * groups, "big").decode("utf-16-be")[:count]


def from_text(text: str) -> Bits:
    """The bits that the characters hold, which are U+0020 to U+801F."""
    count = len(text)
    turned = (int.from_bytes(text.encode("utf-16-be"), "big") - _repeat(_BASE, _SLOT, count * _SLOT)) << 1
    slots = turned.to_bytes(2 * count, "big").translate(_TURNED)
    return gather(int.from_bytes(slots, "little"), count, _CHARACTER, _SLOT), count * _CHARACTER


def _repeat(pattern: int, period: int, size: int) -> int:
    """`size` bits, in which a pattern is repeated each `period` bits."""
    return int.from_bytes(pattern.to_bytes(period // 8, "little") * (size // period), "little")
