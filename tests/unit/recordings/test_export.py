"""rectool's `export`: tables as CSV, JSON lines and Parquet."""

import csv
import io
import os
import sys
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pandas
import polars
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetiming.files import opened_alone
from orchestrator.recordings.rectool import exporting
from orchestrator.recordings.rectool.cli import main
from orchestrator.recordings.rectool.export import Format, write
from orchestrator.recordings.rectool.tables import Column, Row, Table, Type
from tests.support.recorded import MANIFEST, NOON, UUID, Recorded, frames, laps
from tests.support.recorded import write as write_recording
from tests.unit.recordings.test_rectool_look import damage

COLUMNS = (Column("text"), Column("number", Type.NUMBER), Column("whole", Type.WHOLE), Column("yes", Type.YES_NO))
LAPS = [[each, 90.0 + each % 10] for each in range(25)]  # completed, and the time of the last: frame by frame of `race`
ROWS: list[Row] = [("Ann", 1.5, 7, True), ('a "b"\r\nc,d', 3, -1, False), (None, None, None, True)]


@pytest.fixture
def race(tmp_path: Path) -> Path:
    """A recording of 25 frames, one a second, of one car that completes a lap with each."""
    return write_recording(tmp_path / "race.zip", frames(laps(25)))


def made(form: Format, rows: list[Row], *, exact: bool = False) -> bytes:
    out = io.BytesIO()
    assert write(Table("any", COLUMNS, iter(rows)), form, out, exact=exact) == len(rows)
    return out.getvalue()


def from_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


class TestCsv:
    def test_it_is_rfc_4180_in_utf_8_with_a_header(self) -> None:
        assert made(Format.CSV, [("É", 1.5, 7, True)]) == b"text,number,whole,yes\r\n\xc3\x89,1.5,7,true\r\n"

    def test_what_is_written_is_what_is_read(self) -> None:
        assert from_csv(made(Format.CSV, ROWS))[1:] == [
            ["Ann", "1.5", "7", "true"],
            ['a "b"\r\nc,d', "3", "-1", "false"],
            ["", "", "", "true"],
        ]

    @pytest.mark.parametrize("text", ["=1+1", "+1 lap", "-", "@SUM(A1)", "\t=1", "\r=1"])
    def test_a_text_that_a_spreadsheet_takes_for_a_formula_gets_an_apostrophe(self, text: str) -> None:
        rows: list[Row] = [(text, -1.5, -7, True)]
        assert from_csv(made(Format.CSV, rows))[1] == [f"'{text}", "-1.5", "-7", "true"]
        assert from_csv(made(Format.CSV, rows, exact=True))[1][0] == text

    @given(st.text(max_size=9))
    def test_no_text_begins_as_a_formula(self, text: str) -> None:
        assert not from_csv(made(Format.CSV, [(text, 1, 1, True)]))[1][0].startswith(("=", "+", "-", "@", "\t", "\r"))


class TestJsonLines:
    def test_it_is_one_object_a_row(self) -> None:
        lines = made(Format.JSONL, ROWS).splitlines()
        names = [column.name for column in COLUMNS]
        assert [orjson.loads(line) for line in lines] == [dict(zip(names, row, strict=True)) for row in ROWS]


class TestParquet:
    def test_columns_are_typed(self, tmp_path: Path) -> None:
        (tmp_path / "a.parquet").write_bytes(made(Format.PARQUET, ROWS))
        schema = pyarrow.parquet.read_schema(tmp_path / "a.parquet")
        assert [str(kind) for kind in schema.types] == ["string", "double", "int64", "bool"]

    def test_rows_stream_in_groups(self, tmp_path: Path) -> None:
        (tmp_path / "a.parquet").write_bytes(made(Format.PARQUET, ROWS * 50_000))
        file = pyarrow.parquet.ParquetFile(tmp_path / "a.parquet")
        assert (file.num_row_groups, file.metadata.num_rows) == (3, 150_000)

    def test_a_table_without_rows_is_a_file_too(self, tmp_path: Path) -> None:
        (tmp_path / "a.parquet").write_bytes(made(Format.PARQUET, []))
        assert pyarrow.parquet.read_table(tmp_path / "a.parquet").num_rows == 0

    def test_without_its_library_the_message_says_what_to_install(
        self, race: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
        assert main(["export", str(race), "--format", "parquet"]) == 2
        assert "pip install 'livetiming-orchestrator[parquet]'" in capsys.readouterr().err
        assert [path.name for path in race.parent.iterdir()] == ["race.zip"]


class TestReadersOfTables:
    """pandas, polars and duckdb open each format directly, and see the same."""

    @pytest.fixture
    def folder(self, race: Path, tmp_path: Path) -> Path:
        for form in Format:
            assert main(["export", str(race), "--table", "all", "--format", form, "-o", str(tmp_path / "out")]) == 0
        return tmp_path / "out"

    def test_pandas(self, folder: Path) -> None:
        for frame in (
            pandas.read_csv(folder / "frames.csv"),
            pandas.read_json(folder / "frames.jsonl", lines=True),
            pandas.read_parquet(folder / "frames.parquet"),
        ):
            assert frame[["laps", "last"]].values.tolist() == LAPS
            assert frame["time"].tolist() == [NOON + each for each in range(25)]

    def test_polars(self, folder: Path) -> None:
        for frame in (
            polars.read_csv(folder / "frames.csv"),
            polars.read_ndjson(folder / "frames.jsonl"),
            polars.read_parquet(folder / "frames.parquet"),
        ):
            assert [list(each) for each in frame[["laps", "last"]].rows()] == LAPS

    @pytest.mark.parametrize(
        ("function", "ending"), [("read_csv", "csv"), ("read_json", "jsonl"), ("read_parquet", "parquet")]
    )
    def test_duckdb(self, folder: Path, function: str, ending: str) -> None:
        path = folder / f"frames.{ending}"
        with duckdb.connect() as database:
            found = database.execute(f"SELECT laps, last FROM {function}('{path}') ORDER BY time").fetchall()  # noqa: S608
        assert [list(each) for each in found] == LAPS


class TestCommand:
    @pytest.mark.parametrize(("table", "rows"), [("laps", 24), ("stints", 1), ("frames", 25), ("messages", 25)])
    def test_each_table_goes_beside_the_recording(
        self, race: Path, table: str, rows: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["export", str(race), "--table", table]) == 0
        target = race.with_name(f"race_{table}.csv")
        assert capsys.readouterr().out == f"{target}: {rows} rows of {table}\n"
        assert len(from_csv(target.read_bytes())) == rows + 1

    def test_the_result_for_a_program(self, race: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["export", str(race), "--table", "stints", "--json"]) == 0
        told = orjson.loads(capsys.readouterr().out)
        assert told == {
            "tables": [{"table": "stints", "file": str(race.with_name("race_stints.csv")), "rows": 1}],
            "badEntries": [],
        }

    @pytest.mark.parametrize("form", Format)
    def test_to_standard_output(
        self, race: Path, form: Format, capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path
    ) -> None:
        assert main(["export", str(race), "--table", "frames", "--format", form, "-o", "-"]) == 0
        main(["export", str(race), "--table", "frames", "--format", form, "-o", str(tmp_path / "file")])
        assert capsysbinary.readouterr().out.startswith((tmp_path / "file").read_bytes())

    @pytest.mark.parametrize("more", [["--table", "all"], ["--json"]])
    def test_standard_output_takes_one_table_only(self, race: Path, more: list[str]) -> None:
        assert main(["export", str(race), *more, "-o", "-"]) == 2

    def test_frames_can_be_thinned(self, race: Path) -> None:
        assert main(["export", str(race), "--table", "frames", "--every", "10"]) == 0
        assert len(from_csv(race.with_name("race_frames.csv").read_bytes())) == 3 + 1

    def test_a_file_that_is_there_is_replaced_by_force_only(self, race: Path) -> None:
        there = race.with_name("race_laps.csv")
        there.write_text("mine")
        assert main(["export", str(race)]) == 2
        assert there.read_text() == "mine"
        assert main(["export", str(race), "--force"]) == 0
        assert there.read_text() != "mine"

    def test_the_recording_itself_is_never_replaced(self, race: Path) -> None:
        before = race.read_bytes()
        assert main(["export", str(race), "-o", str(race), "--force"]) == 2
        assert race.read_bytes() == before

    def test_a_damaged_recording_gives_what_is_readable_and_says_so(
        self, race: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        damage(race, "01700000012i.json")
        assert main(["export", str(race), "--table", "all"]) == 1
        assert capsys.readouterr().err.count("entry 01700000012i.json: ") == 1
        assert len(from_csv(race.with_name("race_frames.csv").read_bytes())) == 17 + 1

    def test_until_it_is_whole_no_file_has_its_name(
        self, race: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def full(_descriptor: int) -> None:
            assert not race.with_name("race_laps.csv").exists()
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", full)
        assert main(["export", str(race)]) == 1
        assert "No space left" in capsys.readouterr().err
        assert [path.name for path in race.parent.iterdir()] == ["race.zip"]

    def test_while_another_process_writes_the_file_it_is_left_to_that(
        self, race: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        part = race.with_name("race_laps.csv.part")
        other = opened_alone(part, 0o644)
        os.write(other, b"its first rows")
        assert main(["export", str(race)]) == 1
        assert "another process is writing" in capsys.readouterr().err
        assert part.read_bytes() == b"its first rows"
        os.close(other)
        assert main(["export", str(race)]) == 0
        assert len(from_csv(race.with_name("race_laps.csv").read_bytes())) == 24 + 1

    def test_interrupted_it_names_the_tables_that_are_made(
        self, race: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def interrupted(*_: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setitem(exporting._TABLES, "frames", interrupted)
        assert main(["export", str(race), "--table", "all"]) == 1
        there = [race.with_name(f"race_{name}.csv") for name in ("laps", "stints")]
        err = capsys.readouterr().err
        assert f"made so far: {there[0]}, {there[1]}\n" in err
        assert "nothing was made" not in err
        assert set(race.parent.iterdir()) == {race, *there}

    def test_a_folder_that_is_not_there_is_no_file_to_be_made(
        self, race: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["export", str(race), "-o", f"{tmp_path}/new/"]) == 2
        assert f"there is no folder {tmp_path}/new\n" in capsys.readouterr().err
        assert not (tmp_path / "new").exists()
        assert main(["export", str(race), "--table", "all", "-o", f"{tmp_path}/new/"]) == 0
        assert len(list((tmp_path / "new").iterdir())) == 4

    def test_a_recording_in_progress_can_be_exported(self, tmp_path: Path) -> None:
        journal = Recorded(tmp_path / f"{UUID}.0.journal")
        journal.record(laps(25))
        out = tmp_path / "laps.csv"
        assert main(["export", str(journal.path), "-o", str(out)]) == 0
        assert len(from_csv(out.read_bytes())) == 24 + 1

    def test_a_manifest_without_columns_gives_what_there_is(self, tmp_path: Path) -> None:
        bare: dict[str, Any] = {**MANIFEST, "colSpec": None}
        race = write_recording(tmp_path / "race.zip", frames(laps(3)), bare)
        assert main(["export", str(race), "--table", "all"]) == 0
        assert from_csv((tmp_path / "race_frames.csv").read_bytes())[1] == [UUID, str(NOON), "0", "green", "1"]
