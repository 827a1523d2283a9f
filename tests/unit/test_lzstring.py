"""LZ-String as the browsers speak it.

`lzstring_vectors.json` holds [text, compressed] pairs that lz-string 1.5.0 made in node 20:
`JSON.stringify(texts.map(text => [text, LZString.compressToUTF16(text)]))`. Where node is, the integration test
test_lzstring_node.py makes them again.
"""

import json
import random
import tracemalloc
from contextlib import suppress
from pathlib import Path

import lzstring
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetiming.lzstring import (
    Compressor,
    LZStringError,
    LZStringTooLong,
    compress_to_utf16,
    decompress_from_utf16,
)

VECTORS: list[tuple[str, str]] = [
    (text, compressed)
    for text, compressed in json.loads((Path(__file__).parent / "lzstring_vectors.json").read_text("ascii"))
]
NAMES = [f"{index}-{text[:12]!a}" for index, (text, _) in enumerate(VECTORS)]

few_letters = st.text("ab,0é🏁", max_size=400)
texts = st.text() | few_letters  # Hypothesis leaves out surrogates by itself
compressed_characters = st.characters(min_codepoint=0x20, max_codepoint=0x801F)


def random_text(letters: str, length: int) -> str:
    return "".join(random.Random(length).choices(letters, k=length))


@pytest.mark.parametrize(("text", "compressed"), VECTORS, ids=NAMES)
def test_a_text_is_compressed_to_what_the_browsers_make_of_it(text: str, compressed: str) -> None:
    assert compress_to_utf16(text) == compressed


@pytest.mark.parametrize(("text", "compressed"), VECTORS, ids=NAMES)
def test_what_the_browsers_compressed_is_decompressed(text: str, compressed: str) -> None:
    assert decompress_from_utf16(compressed) == text


@given(texts)
def test_what_was_compressed_decompresses_to_the_same_text(text: str) -> None:
    assert decompress_from_utf16(compress_to_utf16(text)) == text


@given(texts)
def test_compressed_text_has_only_characters_that_any_encoding_carries(text: str) -> None:
    assert all("\u0020" <= character <= "\u801f" for character in compress_to_utf16(text))


@given(st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"])))
def test_it_is_what_the_lzstring_package_makes_where_that_is_right(text: str) -> None:
    assert compress_to_utf16(text) == lzstring.LZString.compressToUTF16(text)


@pytest.mark.parametrize("length", [30_000, 250_000], ids=["14 bits", "17 bits"])
def test_long_texts_have_wide_codes(length: int) -> None:
    text = random_text('0123456789.,:[]"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZé', length)
    compressed = compress_to_utf16(text)
    assert compressed == lzstring.LZString.compressToUTF16(text)
    assert decompress_from_utf16(compressed) == text


def test_every_unit_that_there_is_may_be_new() -> None:
    text = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x10000)]))
    assert decompress_from_utf16(compress_to_utf16(text)) == text


@given(st.text(st.characters(categories=["Cs"]) | st.sampled_from("a🏁")))
def test_lone_surrogates_are_kept_and_pairs_are_joined_as_in_javascript(text: str) -> None:
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    assert decompress_from_utf16(compress_to_utf16(text)) == joined


# --- texts that follow each other


@given(st.lists(st.tuples(st.integers(0, 2500), few_letters), min_size=2, max_size=6))
def test_a_compressor_makes_of_each_text_what_is_made_of_it_alone(edits: list[tuple[int, str]]) -> None:
    base = random_text("abcdefgh0123456789,", 2500)
    compressor = Compressor()
    for at, edit in edits:
        text = base[:at] + edit + base[at:]
        assert compressor.compress(text) == compress_to_utf16(text)


@given(st.integers(500, 1100), st.sampled_from("b€🏁"))
def test_a_unit_that_is_new_where_two_texts_part_is_not_forgotten(at: int, new: str) -> None:
    before = "a" * at + new
    compressor = Compressor()
    for after in ("", "x" * 600, "y" * 600, "", new * 600, "x"):
        assert compressor.compress(before + after) == compress_to_utf16(before + after)


def test_a_compressor_takes_the_empty_text_between_others() -> None:
    compressor = Compressor()
    for text in ("", "a" * 1000, "", "a" * 1000):
        assert decompress_from_utf16(compressor.compress(text)) == text


# --- what others may send


def test_the_empty_text_is_an_error_as_it_is_null_in_the_browsers() -> None:
    with pytest.raises(LZStringError, match="ends before its end mark; have its sender send it again"):
        decompress_from_utf16("")


def test_a_character_that_lz_string_does_not_use_is_named() -> None:
    with pytest.raises(LZStringError, match=r"character 2 is U\+1F3C1"):
        decompress_from_utf16("  🏁")
    with pytest.raises(LZStringError, match=r"character 0 is U\+D800"):
        decompress_from_utf16("\ud800")
    with pytest.raises(LZStringError, match=r"character 1 is U\+000A"):
        decompress_from_utf16(" \n")


def test_a_code_that_was_not_given_out_is_an_error() -> None:
    with pytest.raises(LZStringError, match="starts with code 3"):
        decompress_from_utf16("\u801f\u801f\u801f")
    # The bits of "a", then code 7 in three bits: 0 0, 1 0 0 0 0 1 1 0, 1 1 1, and two more.
    with pytest.raises(LZStringError, match="uses code 7 when 4 is the next"):
        decompress_from_utf16(chr(0x20 + 0b001000011011100))


@pytest.mark.parametrize("text", ["a", "aaaa", "hello, hello", "Łukasz 🏁🏁", random_text("abc,", 500)])
def test_a_text_that_was_cut_is_an_error(text: str) -> None:
    compressed = compress_to_utf16(text)
    for end in range(len(compressed) - 2):
        with pytest.raises(LZStringError, match="ends before its end mark"):
            decompress_from_utf16(compressed[:end])


def test_what_follows_the_end_is_ignored_as_in_the_browsers() -> None:
    compressed = compress_to_utf16("hello, hello")
    assert decompress_from_utf16(compressed + "more") == "hello, hello"
    assert decompress_from_utf16(compressed.removesuffix(" ")) == "hello, hello"


@given(st.text(compressed_characters) | st.text())
def test_any_other_text_is_an_error_or_some_text(garbage: str) -> None:
    with suppress(LZStringError):
        decompress_from_utf16(garbage)


@given(few_letters, st.data())
def test_a_damaged_text_is_an_error_or_some_text(text: str, data: st.DataObject) -> None:
    compressed = compress_to_utf16(text)
    at = data.draw(st.integers(0, len(compressed) - 1))
    damaged = compressed[:at] + data.draw(compressed_characters) + compressed[at + 1 :]
    with suppress(LZStringError):
        decompress_from_utf16(damaged)


@given(few_letters, st.integers(0, 400))
def test_no_text_grows_beyond_the_limit(text: str, limit: int) -> None:
    compressed = compress_to_utf16(text)
    if len(text.encode("utf-16-le")) // 2 <= limit:
        assert decompress_from_utf16(compressed, limit) == text
    else:
        with pytest.raises(LZStringTooLong, match=f"beyond {limit} characters"):
            decompress_from_utf16(compressed, limit)


def test_a_payload_that_would_grow_a_thousandfold_is_refused_before_it_takes_memory() -> None:
    bomb = compress_to_utf16("a" * 3_000_000)
    assert len(bomb) < 2000
    tracemalloc.start()
    try:
        with pytest.raises(LZStringTooLong):
            decompress_from_utf16(bomb, limit=100_000)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
