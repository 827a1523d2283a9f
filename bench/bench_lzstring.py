"""LZ-String: ms for a frame of 60 cars, ours against the `lzstring` package, on the same states in one run.

    python bench/bench_lzstring.py

The states come from racegen.py in LIVETIMING_TEST_DATA (default: ../shared/data beside the project).
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import lzstring
import orjson
from races import states

from livetiming.lzstring import Compressor, compress_to_utf16, decompress_from_utf16

FIRST, FRAMES = 2000, 60

Codec = Callable[[str], str]


def messages_first(state: dict[str, Any]) -> dict[str, Any]:
    """The same state, with what seldom changes before what always does."""
    return {"messages": state["messages"], **state}


def package_decompress(text: str) -> str:
    """What the package's decompressFromUTF16 would do, which in 1.0.4 subtracts a number from a character."""
    result: str = lzstring._decompress(len(text), 16384, lambda index: ord(text[index]) - 32)
    return result


def measure(codecs: dict[str, tuple[Codec, list[str]]]) -> dict[str, list[float]]:
    """ms for each text; the codecs take turns, so that a slow moment of the machine hits all of them."""
    times: dict[str, list[float]] = {name: [] for name in codecs}
    for frame in range(FRAMES):
        for name, (codec, texts) in codecs.items():
            start = time.perf_counter()
            codec(texts[frame])
            times[name].append((time.perf_counter() - start) * 1000)
    return times


def show(heading: str, times: dict[str, list[float]]) -> None:
    theirs = statistics.median(next(iter(times.values())))
    print(f"{heading:44} {'best':>8} {'median':>8}")
    for name, each in times.items():
        median = statistics.median(each)
        print(f"  {name:42} {min(each):8.2f} {median:8.2f} {theirs / median:6.1f} ×")


def main() -> int:
    frames = [state for _time, state in states(FIRST, FRAMES)]
    if not frames:
        return 0
    texts = [orjson.dumps(frame).decode() for frame in frames]
    reordered = [orjson.dumps(messages_first(frame)).decode() for frame in frames]
    compressed = [compress_to_utf16(text) for text in texts]
    assert compressed == [lzstring.LZString.compressToUTF16(text) for text in texts]
    assert texts == [decompress_from_utf16(text) for text in compressed]

    print(f"LZ-String, {FRAMES} successive states of 60 cars, ms for one; the first of them in")
    print(f"  JSON {len(texts[0].encode())} bytes, compressed {len(compressed[0])} characters, ", end="")
    print(f"{len(compressed[0].encode())} bytes in UTF-8")
    show(
        "compress",
        measure(
            {
                "lzstring package": (lzstring.LZString.compressToUTF16, texts),
                "compress_to_utf16": (compress_to_utf16, texts),
                "Compressor": (Compressor().compress, texts),
                "Compressor, messages first in the JSON": (Compressor().compress, reordered),
            }
        ),
    )
    show(
        "decompress",
        measure(
            {
                "lzstring package, repaired": (package_decompress, compressed),
                "decompress_from_utf16": (decompress_from_utf16, compressed),
            }
        ),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
