"""LZ-String's UTF-16 form, both ways: the payload of message classes 8 and 9.

It is what `lz-string` 1.5.0 (npm), which the browsers use, calls `compressToUTF16` and `decompressFromUTF16`; what is
made here is, character for character, what it makes.

The format is LZ78 with a dictionary that both sides build as they go. It works on UTF-16 code units, as JavaScript's
strings do: a character beyond U+FFFF is two of them, and a lone surrogate is a unit like any other. A stream is a
sequence of codes:

- 0 and 1 bring a unit that was not seen before, in the 8 or 16 bits that follow; it gets the next free code;
- 2 is the end;
- any other, from 3 on, is a phrase that both sides know.

After each code but the first, the phrase before it, lengthened by the first unit of this one, gets the next free code.
A code has as many bits as the next free code needs, its lowest bit first. The bits are cut into groups of 15, highest
bit first; each group plus 32 is a character of the text, U+0020 to U+801F and so never a surrogate. A blank ends it.
"""

from livetiming.lzstring.decode import LZStringError, LZStringTooLong, decompress_from_utf16
from livetiming.lzstring.encode import Compressor, compress_to_utf16

__all__ = ["Compressor", "LZStringError", "LZStringTooLong", "compress_to_utf16", "decompress_from_utf16"]
