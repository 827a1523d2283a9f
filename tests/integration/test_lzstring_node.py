"""LZ-String against the real one: lz-string from npm, in node, as the browsers run it."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from livetiming.lzstring import Compressor, compress_to_utf16, decompress_from_utf16
from tests.support import npm

PACKAGE = "lz-string@1.5.0"
VECTORS = Path(__file__).parents[1] / "unit" / "lzstring_vectors.json"

# Reads [[text, compressed by us], …]; writes [[compressed by it, decompressed by it], …]. JSON here is ASCII only, and
# both sides write a lone surrogate as an escape, so that every text passes.
SCRIPT = """
const lz = require("lz-string");
let input = "";
process.stdin.on("data", data => input += data).on("end", () => {
  const results = JSON.parse(input).map(([text, ours]) => [lz.compressToUTF16(text), lz.decompressFromUTF16(ours)]);
  process.stdout.write(JSON.stringify(results));
});
"""

Node = Callable[[list[tuple[str, str]]], list[tuple[str, str | None]]]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    """Runs SCRIPT where lz-string is installed."""
    folder = tmp_path_factory.mktemp("lz-string")
    npm.install(PACKAGE, folder)

    def run(pairs: list[tuple[str, str]]) -> list[tuple[str, str | None]]:
        answer = json.loads(npm.run(folder, "-e", SCRIPT, given=json.dumps(pairs)))
        return [(compressed, text) for compressed, text in answer]

    return run


def assert_both_agree(node: Node, texts: list[str]) -> None:
    """Its text is ours, it reads ours, and we read its."""
    ours = [compress_to_utf16(text) for text in texts]
    for text, mine, (theirs, read) in zip(texts, ours, node(list(zip(texts, ours, strict=True))), strict=True):
        assert theirs == mine
        assert read == text
        assert decompress_from_utf16(theirs) == text


def random_text(dice: random.Random) -> str:
    letters = dice.choice(
        [
            '0123456789.,:[]"',
            "abc",
            [chr(dice.randrange(0x20, 0x250)) for _ in range(60)],
            [chr(dice.randrange(0x3040, 0x30FF)) for _ in range(40)],
            [chr(dice.randrange(0x1F300, 0x1FAFF)) for _ in range(20)] + ["\u200d", "\ufe0f", "a"],
            [chr(dice.choice([dice.randrange(0xD800), dice.randrange(0xE000, 0x110000)])) for _ in range(500)],
        ]
    )
    return "".join(dice.choices(letters, k=dice.choice([1, 2, 3, 10, 100, 1000, 5000])))


def state(dice: random.Random, elapsed: int) -> str:
    """The JSON of a state of 60 cars, messages first."""

    def car(number: int) -> list[object]:
        times = [[round(dice.uniform(25, 110), 3), dice.choice(["", "old", "pb"])] for _ in range(8)]
        return [str(number), "RUN", "LMP2", f"Équipe {number % 20}", f"Tomáš {number} Müller 🏁", elapsed // 95, *times]

    messages = [[elapsed - 20 * at, "LMP2", f"#{at} (Łukasz) has left the pits", "out", str(at)] for at in range(100)]
    session = {"flagState": "green", "timeElapsed": elapsed, "trackData": ["24°C"]}
    value = {"messages": messages, "session": session, "cars": [car(number) for number in range(60)]}
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def test_the_vectors_are_what_it_makes(node: Node) -> None:
    assert_both_agree(node, [text for text, _ in json.loads(VECTORS.read_text("ascii"))])


def test_it_and_we_make_and_read_the_same_of_random_texts(node: Node) -> None:
    dice = random.Random(71)
    assert_both_agree(node, [random_text(dice) for _ in range(300)])


def test_it_and_we_make_and_read_the_same_of_long_texts(node: Node) -> None:
    dice = random.Random(15)
    assert_both_agree(
        node, ["".join(dice.choices('0123456789.,:[]"abcdefXYZ é', k=length)) for length in (40_000, 300_000)]
    )


def test_it_reads_the_states_that_follow_each_other_from_one_compressor(node: Node) -> None:
    dice = random.Random(60)
    compressor = Compressor()
    states = [state(dice, 3600 + at // 3) for at in range(9)]
    compressed = [compressor.compress(text) for text in states]
    assert node(list(zip(states, compressed, strict=True))) == list(zip(compressed, states, strict=True))


def test_it_also_refuses_the_empty_text(node: Node) -> None:
    assert node([("", "")]) == [(compress_to_utf16(""), None)]
