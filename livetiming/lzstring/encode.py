"""Compression: of one text, or of texts that follow each other and begin alike."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from livetiming.lzstring import bits
from livetiming.lzstring.bits import Bits

_FIRST = 3  # the first code that is given out
_END = 2
# A phrase and the unit that follows it are one number, code × _STEP + unit. The step is more than any unit; and it is
# odd, because the numbers are keys of a dict, where those that differ by multiples of a power of two collide.
_STEP = 65_633
_BLOCK = 512  # units that two texts share or do not
_FEW = 32  # codes that are not worth gathering
_LONG = 4096  # bits that are no longer worth appending to one by one

Literal = tuple[int, int]  # which code of the stream brings a unit that is new, and the unit


def compress_to_utf16(text: str) -> str:
    """`text` as LZ-String's `compressToUTF16` writes it. For the states of a service, `Compressor` is faster."""
    return Compressor().compress(text)


class Compressor:
    """`compress_to_utf16` for texts that follow each other, as the states of a service do: same result, faster.

    What was learned of a text is kept up to the place where the next one differs, so let what seldom changes come
    first: in a state, the messages. It has one user at a time.
    """

    def __init__(self) -> None:
        self._units: Sequence[int] = b""
        self._kept = _Kept()

    def compress(self, text: str) -> str:
        """`text` as LZ-String's `compressToUTF16` writes it."""
        units = _code_units(text)
        kept = self._kept = self._kept.until(_shared(self._units, units), units)
        self._units = units
        learned = kept.learned.copy()
        learned.read(units[kept.count :])
        return _text(kept, learned)


def _code_units(text: str) -> Sequence[int]:
    """The UTF-16 code units of `text`: its characters as JavaScript counts them."""
    if text.isascii():
        return text.encode("ascii")
    data = text.encode("utf-16-le", "surrogatepass")
    return struct.unpack(f"<{len(data) // 2}H", data)


@dataclass(slots=True)
class _Learned:
    """The dictionary at some place of a text. A phrase is its code × _STEP."""

    # The longest known phrase that ends here; 0 at the start.
    phrase: int = 0
    # The next free code, as a phrase.
    fresh: int = _FIRST * _STEP
    # Phrase + unit → the phrase that they are together; one for each code so far, in their order.
    longer: dict[int, int] = field(default_factory=dict)
    # Unit → the phrase that it is alone.
    single: dict[int, int] = field(default_factory=dict)
    literals: list[Literal] = field(default_factory=list)

    def copy(self) -> "_Learned":
        return _Learned(self.phrase, self.fresh, self.longer.copy(), self.single.copy(), self.literals.copy())

    def read(self, units: Sequence[int]) -> None:
        """Cut the text that follows into phrases, each the longest that is known, and learn from it."""
        longer, single, literals = self.longer, self.single, self.literals
        phrase, fresh = self.phrase, self.fresh
        find = longer.get
        if not phrase and units:
            literals.append((0, units[0]))
            phrase = single[units[0]] = fresh
            fresh += _STEP
            units = units[1:]
        for unit in units:
            key = phrase + unit
            found = find(key)
            if found is None:
                found = single.get(unit)
                if found is None:
                    literals.append((len(longer) + 1, unit))
                    found = single[unit] = fresh
                    fresh += _STEP
                longer[key] = fresh
                fresh += _STEP
            phrase = found
        self.phrase, self.fresh = phrase, fresh

    def sent(self) -> int:
        """How many of the literals are among the codes so far: the last may be the phrase that has not ended yet."""
        return sum(number < len(self.longer) for number, _ in self.literals)

    def codes(self, first: int) -> list[int]:
        """The codes so far, from that number on."""
        return [key // _STEP for key in islice(self.longer, first, None)]


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was learned of the first `count` units of a text, and its bits."""

    count: int = 0
    learned: _Learned = field(default_factory=_Learned)
    packed: Bits = (0, 0)

    def until(self, count: int, units: Sequence[int]) -> "_Kept":
        """The same of the first `count` of `units`; those that this is of are the same there, or are more."""
        if count == self.count:
            return self
        if count < self.count:
            return _Kept().until(count, units)
        learned = self.learned.copy()
        learned.read(units[self.count : count])
        at, sent = len(self.learned.longer), self.learned.sent()
        more = _pack(learned.codes(at), learned.literals[sent : learned.sent()], at, sent)
        return _Kept(count, learned, bits.join([self.packed, *more]))


def _shared(old: Sequence[int], new: Sequence[int]) -> int:
    """With how many units both begin, in whole blocks."""
    end = min(len(old), len(new)) // _BLOCK * _BLOCK
    for start in range(0, end, _BLOCK):
        if old[start : start + _BLOCK] != new[start : start + _BLOCK]:
            return start
    return end


def _text(kept: _Kept, learned: _Learned) -> str:
    """The whole stream: what was kept and is packed already, what was learned since, and the phrase that is left."""
    at, sent = len(kept.learned.longer), kept.learned.sent()
    codes = learned.codes(at)
    if learned.phrase:
        codes.append(learned.phrase // _STEP)
    rest = _pack(codes, learned.literals[sent:], at, sent)
    # LZ-String writes at least one bit after the end mark, and a blank after the last character.
    end = _END, _width(at + len(codes) + len(learned.literals)) + 1
    return bits.to_text(*bits.join([kept.packed, *rest, end])) + " "


def _pack(codes: list[int], literals: list[Literal], at: int, sent: int) -> list[Bits]:
    """The bits of codes, of which the first is number `at` of the stream; `literals` are among them, `sent` before."""
    pieces: list[Bits] = []
    packed, length = 0, 0
    start, stop = at, at + len(codes)
    for position, unit in [*literals, (stop, -1)]:
        while at < position:
            width = _width(at + sent)
            end = min(position, (1 << width) - 2 - sent)
            run = codes[at - start : end - start]
            at = end
            if len(run) > _FEW:
                pieces += (packed, length), (_gathered(run, width), width * len(run))
                packed, length = 0, 0
                continue
            for code in run:
                packed |= code << length
                length += width
        if unit >= 0:
            width = _width(at + sent)
            packed |= (unit << width | (unit > 0xFF)) << length
            length += width + (16 if unit > 0xFF else 8)
            at += 1
            sent += 1
        if length > _LONG:
            pieces.append((packed, length))
            packed, length = 0, 0
    pieces.append((packed, length))
    return pieces


def _gathered(codes: list[int], width: int) -> int:
    slot, letter = (16, "H") if width <= 16 else (32, "I")
    slots = int.from_bytes(struct.pack(f"<{len(codes)}{letter}", *codes), "little")
    return bits.gather(slots, len(codes), width, slot)


def _width(given: int) -> int:
    """The bits of the code that follows when so many codes were given out."""
    return (given + 2).bit_length()
