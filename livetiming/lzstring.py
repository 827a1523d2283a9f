"""LZ-String's UTF-16 form, both ways: the payload of message classes 8 and 9.

What `lz-string` 1.5.0 (npm), which the browsers use, calls `compressToUTF16` and `decompressFromUTF16`. What is made here
is, character for character, what it makes.

The format is LZ78 with the implicit dictionary of LZW. It works on UTF-16 code units, as JavaScript's strings do: a
character beyond U+FFFF is two of them, and a lone surrogate is one like any other. A stream is a sequence of codes:

- 0 and 1 bring a unit that was not seen before, in the 8 or 16 bits that follow; it gets the next free code;
- 2 is the end;
- any other code, from 3 on, is a phrase that is known.

After each code but the first, the phrase before it, lengthened by the first unit of this one, gets the next free code.
A code has as many bits as the number of codes given out so far needs, and its lowest bit comes first. The bits are cut
into groups of 15, highest bit first; plus 32, each is a character of the text, U+0020 to U+801F and so never a surrogate.
A blank ends it.

Both directions handle all codes of one width at once, as one large integer ("gather" and "spread"): that is several times
faster than any loop over bits, or even over codes, can be in Python.
"""

import sys
from array import array
from itertools import islice

MEBI = 1 << 20
LIMIT = 64 * MEBI  # characters that a text may grow to

_UTF16 = "utf-16-le" if sys.byteorder == "little" else "utf-16-be"
_FIRST_CODE = 3
_END = 2

Piece = tuple[int, int]  # bits, the first one lowest, and how many they are


class LZStringError(ValueError):
    """A text is not what LZ-String makes, was damaged on its way, or grows beyond what the caller allows."""

    def __init__(self, position: int, why: str) -> None:
        super().__init__(f"no LZ-String UTF-16 text: {why} (at character {position}); ask its sender to send it again")


# --- compression


def compress_to_utf16(text: str) -> str:
    """`text` as LZ-String's `compressToUTF16` writes it; for a sequence of similar texts, see `Compressor`."""
    if not text:
        return _as_text(_END, 2)
    units = text.encode() if text.isascii() else array("H", text.encode(_UTF16, "surrogatepass"))
    step = 1 << 16
    phrases: dict[int, int] = {}  # phrase * step + the unit that lengthens it → phrase, as code * step
    known = phrases.get
    word = _FIRST_CODE * step
    single = {units[0]: word}
    literals = [(0, units[0])]
    fresh = word + step
    for unit in islice(units, 1, None):
        key = word + unit
        longer = known(key)
        if longer is not None:
            word = longer
            continue
        if unit not in single:
            literals.append((len(phrases) + 1, unit))
            single[unit] = fresh
            fresh += step
        phrases[key] = fresh
        fresh += step
        word = single[unit]
    codes = [key >> 16 for key in phrases]
    codes.append(word >> 16)
    return _finish(_pieces(codes, 0, 0, literals, 0), len(codes), len(literals))


class Compressor:
    """`compress_to_utf16` for texts that follow each other, such as the states of one service: same result, faster.

    It keeps its dictionary, as a table that costs up to 16 MiB, and starts again where a text first differs from the
    one before: so put first what seldom changes. It has one owner; two threads cannot share it.
    """

    def __init__(self) -> None:
        self._forget()

    def compress(self, text: str) -> str:
        """`text` as `compressToUTF16` writes it."""
        data = self._symbols(text)
        if not data or not self._learn(data):
            return compress_to_utf16(text)
        done, seen, start = self._packed
        return ""


# --- bits
