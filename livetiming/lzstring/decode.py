"""Decompression, of texts that anybody may have sent."""

import re
import struct
from collections.abc import Sequence

from livetiming.lzstring import bits

DEFAULT_LIMIT = 64 << 20  # UTF-16 code units

_END = 2
_LITERAL_BITS = (8, 16)  # what follows the codes 0 and 1
_FEW, _MANY = 8, 512  # codes read at once: after one that is no known phrase, and at most
_FOREIGN = re.compile("[^\u0020-\u801f]")


class LZStringError(ValueError):
    """A text is not what LZ-String makes, or was damaged on its way."""

    def __init__(self, why: str, advice: str = "have its sender send it again") -> None:
        super().__init__(f"cannot decompress this as LZ-String UTF-16 text: {why}; {advice}")


class LZStringTooLong(LZStringError):
    """A text grows beyond what the caller allows."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"it grows beyond {limit} characters", "raise the limit if its sender can be trusted")


def decompress_from_utf16(text: str, limit: int = DEFAULT_LIMIT) -> str:
    """What `compressToUTF16` made `text` of: `limit` UTF-16 code units at most. LZStringError if that cannot be told.

    As in the browsers, what follows the end mark is ignored, and a lone surrogate stays one. The empty text is an
    error, for which `lz-string` returns null. Memory: some four times the result, and 100 bytes for each code.
    """
    foreign = _FOREIGN.search(text)
    if foreign:
        raise LZStringError(f"character {foreign.start()} is U+{ord(foreign[0]):04X}, not one of U+0020 to U+801F")
    result = _decode(_Reader(text), limit)
    if result.isascii():
        return result
    # Pairs of surrogates are one character here.
    return result.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _decode(reader: "_Reader", limit: int) -> str:
    code = reader.read(2)
    if code == _END:
        return ""
    if code > _END:
        raise LZStringError("it starts with code 3, which nothing gave out")
    phrase = chr(reader.read(_LITERAL_BITS[code]))
    phrases = ["", "", "", phrase]  # by their codes; 0 to 2 are none
    parts = [phrase]
    length, most = 1, _FEW
    while code != _END:
        width = len(phrases).bit_length()
        done: list[str] = []
        try:
            for code in reader.codes(width, min(most, (1 << width) - len(phrases))):
                entry = phrases[code]
                phrases.append(phrase + entry[0])
                done.append(entry)
                phrase = entry
            reader.skip(width * len(done))
            most = min(2 * most, _MANY)
        except IndexError:  # the code is no phrase that was given out
            reader.skip(width * (len(done) + 1))
            most = _FEW
            if code != _END:
                entry = _new_entry(code, phrase, phrases, reader)
                phrases.append(phrase + entry[0])
                done.append(entry)
                phrase = entry
        parts.append("".join(done))
        length += len(parts[-1])
        if length > limit:
            raise LZStringTooLong(limit)
    return "".join(parts)


def _new_entry(code: int, phrase: str, phrases: list[str], reader: "_Reader") -> str:
    """What a code brings that was not given out when it was sent."""
    if code == len(phrases):
        return phrase + phrase[0]
    if code > len(phrases):
        raise LZStringError(f"it uses code {code} when {len(phrases)} is the next to be given out")
    unit = chr(reader.read(_LITERAL_BITS[code]))
    phrases.append(unit)
    return unit


class _Reader:
    """The bits of a text, from the first on."""

    def __init__(self, text: str) -> None:
        packed, self._end = bits.from_text(text)
        self._data = packed.to_bytes(-(-self._end // 8), "little")
        self._at = 0

    def read(self, size: int) -> int:
        """The next `size` bits, as a number."""
        number = self._peek(size)
        self._at += size
        return number

    def skip(self, size: int) -> None:
        """Leave out bits that were seen already."""
        self._at += size

    def codes(self, width: int, most: int) -> Sequence[int]:
        """The next codes of `width` bits: `most`, or all that there are, but one at least. They stay to be skipped."""
        count = max(1, min(most, (self._end - self._at) // width))
        ahead = self._peek(count * width)
        if count <= _FEW:
            mask = (1 << width) - 1
            return [ahead >> at & mask for at in range(0, count * width, width)]
        slot, letter = (16, "H") if width <= 16 else (32, "I")
        slots = bits.spread(ahead, count, width, slot).to_bytes(-(-count // 8) * slot, "little")
        return struct.unpack_from(f"<{count}{letter}", slots)

    def _peek(self, size: int) -> int:
        if self._at + size > self._end:
            raise LZStringError("it ends before its end mark")
        first, last = self._at // 8, -(-(self._at + size) // 8)
        return int.from_bytes(self._data[first:last], "little") >> self._at % 8 & ((1 << size) - 1)
