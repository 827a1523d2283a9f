"""The catalogue: made for the first time, unchanged, and asked, beside the way of the field, in one run.

    python bench/bench_catalogue.py [RECORDINGS]

Real files: hard links of KINDS recordings of 3,600 frames of 60 cars, so that the disk is not what is measured. The
field's way opens each file as a ZIP, sorts its names and parses its manifest. Then 100,000 entries without files.
"""

import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from races import states

from livetiming.racing import Stat
from livetiming.recording.format import Chain, RawFrame, advance
from livetiming.recording.reader import Recording
from livetiming.recording.writer import RecordingWriter
from orchestrator.recordings.answers import Answers
from orchestrator.recordings.catalogue import Catalogue, _Row
from orchestrator.recordings.entry import Entry, Stamp
from orchestrator.recordings.query import wanted
from orchestrator.recordings.search import words_of

RECORDINGS, FRAMES, KINDS = 2000, 3600, 20
ENTRIES = 100_000
COLUMNS = [stat.column() for stat in (Stat.NUM, Stat.STATE, Stat.CLASS, Stat.TEAM, Stat.DRIVER, Stat.CAR)]
LONG_AGO = 1_600_000_000


def frames() -> list[RawFrame]:
    """The frames of one race, as they stand in a file."""
    with tempfile.TemporaryDirectory(prefix="lt-bench-") as place:
        path, chain = Path(place) / "race.zip", Chain()
        with RecordingWriter(path) as writer:
            for second, state in states(0, FRAMES):
                chain, frame = advance(chain, int(second), state)
                writer.add(frame)
            writer.finish({})
        with Recording(path) as recording:
            return [recording.raw(second) for second in recording.seconds]


def fill(folder: Path, amount: int) -> int:
    """Make `amount` recordings; the size of one, bytes."""
    race = frames()
    for kind in range(min(KINDS, amount)):
        path = folder / f"{kind:032x}.zip"
        with RecordingWriter(path) as writer:
            for frame in race:
                writer.add_raw(frame)
            writer.finish({"name": f"Series {kind}", "description": "Race", "colSpec": COLUMNS})
        os.utime(path, (LONG_AGO, LONG_AGO))
    for number in range(KINDS, amount):
        os.link(folder / f"{number % KINDS:032x}.zip", folder / f"{number:032x}.zip")
    return path.stat().st_size


def as_the_field_does(folder: Path) -> int:
    """The field's way of listing a folder."""
    listed = {}
    for path in folder.glob("*.zip"):
        with ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if name != "manifest.json")
            manifest = json.loads(archive.read("manifest.json"))
        first, last = (int(name[:11]) for name in (names[0], names[-1]))
        listed[path.stem] = {**manifest, "duration": last - first}
    return len(listed)


def many(amount: int) -> Catalogue:
    """A catalogue of `amount` entries of which there are no files."""
    chance = random.Random(7)
    people = [f"Driver{number}" for number in range(3000)]
    catalogue = Catalogue(Path(), None)
    batch: list[tuple[str, Any]] = []
    for number in range(amount):
        listed: dict[str, Any] = {
            "uuid": f"{number:032x}",
            "name": f"Series {number % 40}",
            "description": f"Race {number % 50} at Circuit{chance.randrange(200)}",
            "serviceClass": f"class{number % 40}",
            "hidden": number % 20 == 0,
            "colSpec": COLUMNS,
            "startTime": 1_500_000_000 + number * 3600,
            "duration": chance.randrange(600, 90_000),
            "filename": f"{number:032x}.zip",
            "size": 2_000_000,
        }
        cars = [
            ["7", "RUN", "GT", f"Team{chance.randrange(500)}", driver, "Car"] for driver in chance.sample(people, 40)
        ]
        entry = Entry(Stamp(2_000_000, LONG_AGO), listed, words_of(listed, cars))
        batch.append((listed["filename"], _Row(entry, False, number % 3 > 0)))
        if len(batch) == 1000:
            catalogue._write(batch)
            batch = []
    return catalogue


def tell(what: str, work: Callable[[], Any], times: int = 1) -> None:
    """One line: the median and the longest of `times`, ms."""
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        result = work()
        took.append((time.perf_counter() - begun) * 1000)
    shown = f"{result['total']} found" if isinstance(result, dict) and "total" in result else ""
    print(f"  {what:58} {statistics.median(took):10.2f} {max(took):10.2f}   {shown}", flush=True)


def main() -> int:
    amount = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDINGS
    with tempfile.TemporaryDirectory(prefix="lt-bench-") as place:
        folder, cache = Path(place) / "recordings", Path(place) / "cache.sqlite3"
        folder.mkdir()
        size = fill(folder, amount)
        print(f"Catalogue, {amount} recordings of {FRAMES} frames and {size / 1e6:.1f} MB")
        print(f"  {'':58} {'median ms':>10} {'longest':>10}", flush=True)
        tell("the field's way, every time", lambda: as_the_field_does(folder))
        catalogue = Catalogue(folder, cache)
        cpu = time.process_time()
        tell("ours, the first time", catalogue.look)
        cpu = time.process_time() - cpu
        print(f"  {'of that CPU':58} {cpu * 1000:10.2f}")
        tell("unchanged", catalogue.look, 20)
        tell("a page", lambda: Answers(catalogue.database).page(1), 100)
        tell("a search", lambda: Answers(catalogue.database).search(wanted("race ser", {}, trusted=False), 1), 100)
        catalogue.close()
    ask(Answers(many(ENTRIES).database))
    return 0


def ask(answers: Answers) -> None:
    """The questions to a catalogue of very many."""
    print(f"{ENTRIES} entries")

    def search(text: str, page: int = 1, **filters: Any) -> Callable[[], Any]:
        return lambda: answers.search(wanted(text, filters, trusted=False), page)

    pages, numbers = ENTRIES * 19 // 20 // 50, count()
    tell("the first page", lambda: answers.page(1), 50)
    tell("the last page", lambda: answers.page(pages), 50)
    tell("the last page, hidden ones included", lambda: answers.page(ENTRIES // 50, hidden=True), 50)
    tell("the last page of one name", lambda: answers.page(50, "Series 7"), 50)
    tell("the names", answers.names, 50)
    tell("a manifest", lambda: answers.manifest(f"{next(numbers) * 997 % ENTRIES:032x}"), 50)
    tell("search: a rare word", search("circuit17"), 50)
    tell("search: two words", search("race driver1234"), 50)
    tell("search: a word that all have", search("race"), 50)
    tell("search: a word that all have, the last page", search("race", pages), 50)
    tell("search: a beginning that 3,000 drivers share", search("driv"), 50)
    tell("search: … and one more letter", search("driver1"), 50)
    tell("search: a word that all have, and one name", search("race", name="Series 7"), 50)
    tell("search: … with an analysis, in one year", search("race", hasAnalysis=True, to=1_531_536_000), 50)
    tell("search: … of at least an hour", search("race", minDuration=3600), 50)
    tell("search: nothing but at least an hour", search("", minDuration=3600), 50)


if __name__ == "__main__":
    sys.exit(main())
