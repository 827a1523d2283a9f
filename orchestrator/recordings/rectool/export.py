"""Tables as files: CSV, JSON lines, Parquet. Rows stream; no more than one row group is in memory."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from orchestrator.recordings.rectool.tables import Row, Table, Type

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 8_192  # rows made into bytes at once
_ROW_GROUP = 8  # batches: what a reader of Parquet takes at once, and what we hold
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet take a text for a formula


class Format(StrEnum):
    """How a table is written; the value is also the file's suffix."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class ParquetMissing(RuntimeError):
    """Parquet needs a library that is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "Parquet is written by pyarrow, which is not installed: pip install 'livetiming-orchestrator[parquet]', "
            "or choose --format csv or jsonl"
        )


def check(form: Format) -> None:
    """Raise ParquetMissing where this format cannot be written here."""
    if form is Format.PARQUET:
        try:
            import pyarrow.parquet  # noqa: F401 - large and optional: only who writes Parquet loads it
        except ImportError as error:
            raise ParquetMissing from error


def write(table: Table, form: Format, out: BinaryIO, *, exact: bool = False) -> int:
    """Write the table to `out`; returns the number of rows.

    In CSV a text that a spreadsheet would take for a formula gets an apostrophe before it, but for `exact`.
    """
    if form is Format.CSV:
        return _write_csv(table, out, exact=exact)
    return _write_parquet(table, out) if form is Format.PARQUET else _write_lines(table, out)


def _batches(table: Table) -> Iterator[list[Row]]:
    rows = iter(table.rows)
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _write_csv(table: Table, out: BinaryIO, *, exact: bool) -> int:
    """UTF-8, RFC 4180; nothing for None, `true` and `false`."""
    out.write(_csv([[column.name for column in table.columns]]))
    count = 0
    for batch in _batches(table):
        cells = zip(*batch, strict=True)
        columns = [_csv_column(column.type, each, exact) for column, each in zip(table.columns, cells, strict=True)]
        out.write(_csv(zip(*columns, strict=True)))
        count += len(batch)
    return count


def _csv_column(type_: Type, cells: Sequence[Any], exact: bool) -> Sequence[Any]:
    if type_ is Type.YES_NO:
        return ["true" if cell else "false" for cell in cells]
    if type_ is not Type.TEXT or exact:
        return cells
    harmful = {cell: f"'{cell}" for cell in set(cells) if cell is not None and cell.startswith(_FORMULA)}
    return [harmful.get(cell, cell) for cell in cells] if harmful else cells


def _csv(rows: Iterable[Sequence[Any]]) -> bytes:
    written = io.StringIO(newline="")
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()


def _write_lines(table: Table, out: BinaryIO) -> int:
    """One JSON object a row, with every column."""
    names = [column.name for column in table.columns]
    count = 0
    for batch in _batches(table):
        lines = (orjson.dumps(dict(zip(names, row, strict=True)), option=orjson.OPT_APPEND_NEWLINE) for row in batch)
        out.write(b"".join(lines))
        count += len(batch)
    return count


def _write_parquet(table: Table, out: BinaryIO) -> int:
    check(Format.PARQUET)
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(table)
    count = 0
    group: list[pa.RecordBatch] = []
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        for batch in _batches(table):
            columns = [pa.array(cells, field.type) for cells, field in zip(zip(*batch), schema)]  # noqa: B905
            group.append(pa.RecordBatch.from_arrays(columns, schema=schema))
            count += len(batch)
            if len(group) == _ROW_GROUP:
                writer.write_table(pa.Table.from_batches(group))
                group.clear()
        if group:
            writer.write_table(pa.Table.from_batches(group))
    return count


def _schema(table: Table) -> "pa.Schema":
    import pyarrow as pa

    types = {Type.TEXT: pa.string(), Type.NUMBER: pa.float64(), Type.WHOLE: pa.int64(), Type.YES_NO: pa.bool_()}
    return pa.schema([(column.name, types[column.type]) for column in table.columns])
