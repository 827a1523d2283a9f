"""A recording written by hand from recording.md, in every way in which a ZIP may be put together."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest

from livetiming.recording.format import NotARecording
from livetiming.recording.reader import Recording
from livetiming.state import State

NOON = 1_700_000_000

ENTRIES = {
    "manifest.json": """{
        "uuid": "0123456789abcdef0123456789abcdef", "name": "FIA WEC", "description": "6h of Spa \\u2013 Race",
        "colSpec": [["Num", "text"], ["State", "text"], ["Last", "time"]], "version": 1, "startTime": 1700000000
    }""",
    "01700000000.json": """{
        "cars": [["7", "RUN", [93.412, "pb"]], ["8", "RUN", ["", ""]]],
        "session": {"flagState": "green", "trackData": ["24°C"], "sector.1": {"flag": "green"}},
        "messages": [[1699999990, "Track", "Green flag", "green"]], "highlight": [], "lastUpdated": 1700000000000
    }""",
    "01700000001i.json": """{
        "cars": [["change", [0, 2, 0], [93.412, 92.981]], ["add", "", [[2, ["9", "PIT", ["", ""]]]]]],
        "session": [["change", "flagState", ["green", "sc"]], ["change", ["sector.1", "flag"], ["green", "yellow"]]],
        "messages": [[1700000001, "Track", "Safety car", "yellow"], [1700000001, "LMGT3", "#9 pits", "pit", "9"]],
        "highlight": ["9"]
    }""",
    "01700000005i.json": """{
        "cars": [["change", "0.1", ["RUN", "PIT"]], ["remove", "", [[2, ["9", "PIT", ["", ""]]], [1, ["8"]]]]],
        "session": [["add", "", [["lapsRemain", 3]]], ["change", "trackData.0", ["24°C", "25°C"]],
                    ["remove", "", [["sector.1", {"flag": "yellow"}]]]],
        "messages": [], "highlight": []
    }""",
    "01700000009.json": """{"cars": [], "session": {"flagState": "none"}, "messages": [], "highlight": []}""",
}

GREEN = [1_699_999_990, "Track", "Green flag", "green"]
SAFETY_CAR = [1_700_000_001, "Track", "Safety car", "yellow"]
PITS = [1_700_000_001, "LMGT3", "#9 pits", "pit", "9"]

STATES: list[tuple[int, State]] = [
    (
        NOON,
        {
            "cars": [["7", "RUN", [93.412, "pb"]], ["8", "RUN", ["", ""]]],
            "session": {"flagState": "green", "trackData": ["24°C"], "sector.1": {"flag": "green"}},
            "messages": [GREEN],
            "highlight": [],
        },
    ),
    (
        NOON + 1,
        {
            "cars": [["7", "RUN", [92.981, "pb"]], ["8", "RUN", ["", ""]], ["9", "PIT", ["", ""]]],
            "session": {"flagState": "sc", "trackData": ["24°C"], "sector.1": {"flag": "yellow"}},
            "messages": [SAFETY_CAR, PITS, GREEN],
            "highlight": ["9"],
        },
    ),
    (
        NOON + 5,
        {
            "cars": [["7", "PIT", [92.981, "pb"]]],
            "session": {"flagState": "sc", "trackData": ["25°C"], "lapsRemain": 3},
            "messages": [SAFETY_CAR, PITS, GREEN],
            "highlight": [],
        },
    ),
    (NOON + 9, {"cars": [], "session": {"flagState": "none"}, "messages": [], "highlight": []}),
]


class Unseekable(io.RawIOBase):
    """A pipe: whoever writes a ZIP into it writes sizes and checksums behind the data."""

    def __init__(self) -> None:
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self.written += bytes(data)  # type: ignore[call-overload]
        return len(bytes(data))  # type: ignore[call-overload]


def zipped(method: int) -> bytes:
    file = io.BytesIO()
    with ZipFile(file, "w", method) as archive:
        for name, text in ENTRIES.items():
            archive.writestr(name, text)
    return file.getvalue()


def out_of_order() -> bytes:
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name in sorted(ENTRIES, key=lambda name: name[::-1]):
            archive.writestr(name, ENTRIES[name])
    return file.getvalue()


def stored_and_deflated_in_turn() -> bytes:
    file = io.BytesIO()
    with ZipFile(file, "w") as archive:
        for index, (name, text) in enumerate(ENTRIES.items()):
            archive.writestr(name, text, compress_type=ZIP_DEFLATED if index % 2 else ZIP_STORED)
    return file.getvalue()


def with_extra_fields_and_comments() -> bytes:
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, text in ENTRIES.items():
            info = ZipInfo(name, (2023, 11, 14, 22, 13, 20))
            info.compress_type = ZIP_DEFLATED
            info.extra = struct.pack("<HHBL", 0x5455, 5, 1, NOON)  # the time, as Info-ZIP writes it
            info.comment = b"PK\5\6 is not the end"
            archive.writestr(info, text)
        archive.comment = b"recorded by hand"
    return file.getvalue()


def zip64() -> bytes:
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, text in ENTRIES.items():
            with archive.open(name, "w", force_zip64=True) as entry:
                entry.write(text.encode())
    return file.getvalue()


def zip64_to_the_end() -> bytes:
    """With a ZIP64 end and locator, and the old end telling nothing, as where there are more than 65,535 entries."""
    file, directory = bytearray(), bytearray()
    for name, text in ENTRIES.items():
        body = text.encode()
        offset = struct.pack("<HHQ", 1, 8, len(file))
        about = struct.pack("<5H3L", 45, 0, 0, 0, 0x21, zlib.crc32(body), len(body), len(body))
        file += b"PK\3\4" + about + struct.pack("<2H", len(name), 0) + name.encode() + body
        lengths = struct.pack("<5H2L", len(name), len(offset), 0, 0, 0, 0, 0xFFFFFFFF)
        directory += b"PK\1\2" + struct.pack("<H", 45) + about + lengths + name.encode() + offset
    end = struct.pack("<Q2H2L4Q", 44, 45, 45, 0, 0, len(ENTRIES), len(ENTRIES), len(directory), len(file))
    locator = b"PK\6\7" + struct.pack("<LQL", 0, len(file) + len(directory), 1)
    old_end = b"PK\5\6" + struct.pack("<4H2LH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return bytes(file + directory + b"PK\6\6" + end + locator + old_end)


def streamed() -> bytes:
    pipe = Unseekable()
    with ZipFile(pipe, "w", ZIP_DEFLATED) as archive:
        for name, text in ENTRIES.items():
            archive.writestr(name, text)
    return bytes(pipe.written)


def behind_other_bytes() -> bytes:
    """As in a self-extracting file."""
    return b"#!/bin/sh\n" * 100 + zipped(ZIP_DEFLATED)


def with_an_older_entry_of_the_same_name() -> bytes:
    """As appending to a ZIP leaves it: the later one counts."""
    file = io.BytesIO()
    with pytest.warns(UserWarning, match="Duplicate name"), ZipFile(file, "w", ZIP_DEFLATED) as archive:
        archive.writestr("01700000009.json", '{"cars": [["old"]]}')
        for name, text in ENTRIES.items():
            archive.writestr(name, text)
    return file.getvalue()


WAYS: list[Callable[[], bytes]] = [
    lambda: zipped(ZIP_DEFLATED),
    lambda: zipped(ZIP_STORED),
    out_of_order,
    stored_and_deflated_in_turn,
    with_extra_fields_and_comments,
    zip64,
    zip64_to_the_end,
    streamed,
    behind_other_bytes,
    with_an_older_entry_of_the_same_name,
]
NAMES = ["deflated", "stored", *(way.__name__ for way in WAYS[2:])]


@pytest.mark.parametrize("way", WAYS, ids=NAMES)
def test_it_is_read_however_it_was_put_together(tmp_path: Path, way: Callable[[], bytes]) -> None:
    path = tmp_path / "race.zip"
    path.write_bytes(way())
    with Recording(path) as recording:
        assert recording.manifest["description"] == "6h of Spa – Race"
        assert list(recording.seconds) == [second for second, _state in STATES]
        assert list(recording.states()) == STATES
        assert recording.duration == 9
        for second in range(NOON - 1, NOON + 12):
            before = [state for at, state in STATES if at <= second]
            assert recording.state_at(second) == (before[-1] if before else None)


@pytest.mark.parametrize(
    ("way", "length"),
    [(way, len(way())) for way in (WAYS[0], zip64, zip64_to_the_end, streamed)],
    ids=["deflated", "zip64", "zip64_to_the_end", "streamed"],
)
def test_cut_at_any_byte_it_is_refused(tmp_path: Path, way: Callable[[], bytes], length: int) -> None:
    whole, path = way(), tmp_path / "race.zip"
    for size in range(length):
        path.write_bytes(whole[:size])
        with pytest.raises(NotARecording):
            Recording(path)
