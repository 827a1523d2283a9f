"""The real router serves finished recordings, so that browsers play them in place."""

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from twisted.web.server import Site

from livetiming.reactor import reactor
from livetiming.recording.reader import Recording
from ltrouter import recordings
from orchestrator import leftovers
from tests.support.client import in_reactor
from tests.support.recorded import frames, laps, write
from tests.support.system import RunningSystem
from tests.support.waiting import eventually

TIMEOUT = 10  # seconds
BIG_BYTES = 300 * 2**20
STALLED_READERS = 5
NAME = f"{'c' * 32}.zip"
CONTENTS = b"".join(bytes([letter]) * 100 for letter in b"abcdefghij")


@pytest.fixture(scope="module")
def folder(running_system: RunningSystem) -> Path:
    return running_system.home / "recordings"


@pytest.fixture(scope="module")
def root(running_system: RunningSystem) -> str:
    return f"http://127.0.0.1:{running_system.port}/recordings/"


@pytest.fixture
def name(folder: Path) -> str:
    """A file of 1000 bytes, each tenth of it another letter."""
    name = f"{uuid.uuid4().hex}.zip"
    (folder / name).write_bytes(CONTENTS)
    return name


@pytest.fixture
def big(folder: Path) -> Iterator[str]:
    """A file that is far larger than what the kernel keeps for a connection. (It takes no space.)"""
    name = f"{uuid.uuid4().hex}.zip"
    with (folder / name).open("wb") as file:
        file.truncate(BIG_BYTES)
    yield name
    (folder / name).unlink()


def get(url: str, **headers: str) -> requests.Response:
    return requests.get(
        url, headers={name.replace("_", "-"): value for name, value in headers.items()}, timeout=TIMEOUT
    )


def raw(port: int, request: bytes) -> bytes:
    """The first line of the answer to a request that no client would send."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)) as connection:
        connection.sendall(request + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return connection.makefile("rb").readline()


def test_a_recording_is_served_whole_and_can_be_read(root: str, folder: Path, tmp_path: Path) -> None:
    name = f"{uuid.uuid4().hex}_2.zip"
    write(folder / name, frames(laps(30)))
    answer = get(root + name)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["content-length"] == str((folder / name).stat().st_size)
    (tmp_path / name).write_bytes(answer.content)
    with Recording(tmp_path / name) as recording:
        assert len(recording) == 30


def test_an_analysis_is_served_as_json(root: str, folder: Path, name: str) -> None:
    (folder / name).with_suffix(".json").write_text('{"state": {}}')
    answer = get(root + name.replace(".zip", ".json"))
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"state": {}}


def test_the_index_is_served_once_it_is_there(root: str, folder: Path) -> None:
    assert get(root + "index.json").status_code == 404
    (folder / "index.json").write_text("{}")
    assert get(root + "index.json").json() == {}


@pytest.mark.parametrize(
    ("asked", "part", "content_range"),
    [
        ("bytes=100-199", b"b" * 100, "bytes 100-199/1000"),
        ("bytes=950-", b"j" * 50, "bytes 950-999/1000"),
        ("bytes=-1", b"j", "bytes 999-999/1000"),
        ("bytes=-22", b"j" * 22, "bytes 978-999/1000"),
    ],
)
def test_a_range_is_a_partial_content(root: str, name: str, asked: str, part: bytes, content_range: str) -> None:
    answer = get(root + name, Range=asked)
    assert (answer.status_code, answer.content) == (206, part)
    assert answer.headers["content-range"] == content_range
    assert answer.headers["content-length"] == str(len(part))


def test_a_range_behind_the_end_is_refused(root: str, name: str) -> None:
    answer = get(root + name, Range="bytes=1000-")
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == "bytes */1000"


def test_thousands_of_ranges_at_once_cost_no_more_than_the_file(root: str, name: str) -> None:
    answer = get(root + name, Range="bytes=" + ",".join(["0-"] * 3000))
    assert (answer.status_code, answer.content) == (200, CONTENTS)


def test_head_tells_the_size_and_sends_nothing(root: str, name: str) -> None:
    answer = requests.head(root + name, timeout=TIMEOUT)
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, "1000", b"")
    assert answer.headers["accept-ranges"] == "bytes"


def test_a_browser_asks_again_each_time_and_is_told_that_nothing_changed(root: str, name: str) -> None:
    first = get(root + name)
    assert first.headers["cache-control"] == "no-cache"
    again = get(root + name, If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")


def test_a_download_of_a_file_that_was_replaced_meanwhile_begins_again(root: str, folder: Path, name: str) -> None:
    etag = get(root + name).headers["etag"]
    assert get(root + name, Range="bytes=990-", If_Range=etag).status_code == 206
    (folder / "fresh.part").write_bytes(CONTENTS.upper())
    (folder / "fresh.part").rename(folder / name)
    answer = get(root + name, Range="bytes=990-", If_Range=etag)
    assert (answer.status_code, answer.content) == (200, CONTENTS.upper())


def test_pages_of_other_sites_may_read_ranges_and_see_what_they_need(root: str, name: str) -> None:
    preflight = requests.options(
        root + name,
        headers={
            "Origin": "https://example.org",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "range",
        },
        timeout=TIMEOUT,
    )
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "Range" in preflight.headers["access-control-allow-headers"]
    answer = get(root + name, Origin="https://example.org", Range="bytes=0-0")
    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
    assert {"content-range", "content-length", "accept-ranges", "etag"} <= set(exposed)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_altered(root: str, folder: Path, name: str, method: str) -> None:
    assert requests.request(method, root + name, data=b"x", timeout=TIMEOUT).status_code in (405, 501)
    assert (folder / name).read_bytes() == CONTENTS


@pytest.mark.parametrize("path", ["", "no-such-name", f"{'0' * 32}.zip", f"{'0' * 32}_1.json", f"{'0' * 32}"])
def test_there_is_no_listing_and_what_is_not_there_is_not_found(root: str, path: str) -> None:
    answer = get(root + path)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (404, "*")


def test_the_folder_without_its_slash_is_not_listed_either(root: str) -> None:
    assert get(root.rstrip("/")).status_code == 404


@pytest.mark.parametrize(
    "hidden",
    [
        f"{'a' * 32}.zip.part",
        f"{'a' * 32}_clip.zip",
        f"{'A' * 32}.zip",
        f"{'a' * 31}.zip",
        f"{'a' * 32}.txt",
        f".{'a' * 32}.zip",
        "secret",
        "other.json",
    ],
)
def test_other_files_of_the_folder_are_not_served(root: str, folder: Path, hidden: str) -> None:
    (folder / hidden).write_text("not for everybody")
    assert get(root + hidden).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        b"/recordings/../secret",
        b"/recordings/%2e%2e/secret",
        b"/recordings/..%2fsecret",
        b"/recordings/%2e%2e%2fsecret",
        b"/recordings//etc/passwd",
        b"/recordings/%2fetc%2fpasswd",
        b"/recordings/sub/INSIDE",
        b"/recordings//INSIDE",
        b"/recordings/INSIDE/",
        b"/recordings/INSIDE/.",
        b"/recordings/INSIDE%00",
        b"/recordings/INSIDE%0a",
        b"/recordings/.%2fINSIDE",
        b"/recordings/%ff%fe",
    ],
)
def test_no_path_leads_out_of_the_folder_or_around_its_names(
    running_system: RunningSystem, folder: Path, name: str, path: bytes
) -> None:
    (folder / "sub").mkdir(exist_ok=True)
    (folder / "sub" / name).write_bytes(CONTENTS)
    assert b" 404 " in raw(running_system.port, b"GET " + path.replace(b"INSIDE", name.encode()))


def test_links_devices_and_folders_are_not_served(root: str, folder: Path, running_system: RunningSystem) -> None:
    link, pipe, directory = (f"{uuid.uuid4().hex}.zip" for _ in range(3))
    (folder / link).symlink_to(running_system.home / "secret")
    os.mkfifo(folder / pipe)
    (folder / directory).mkdir()
    assert [get(root + each).status_code for each in (link, pipe, directory)] == [404, 404, 404]


def test_a_file_that_is_replaced_while_it_is_sent_is_sent_to_its_end(root: str, folder: Path, big: str) -> None:
    with requests.get(root + big, stream=True, timeout=TIMEOUT) as answer:
        parts = answer.iter_content(2**20)
        assert next(parts) == bytes(2**20)
        (folder / "fresh.part").write_bytes(b"another")
        (folder / "fresh.part").rename(folder / big)
        assert sum(map(len, parts)) == BIG_BYTES - 2**20
    assert get(root + big).content == b"another"


def test_a_file_that_is_cut_while_it_is_sent_is_no_whole_answer(root: str, folder: Path, big: str) -> None:
    with requests.get(root + big, stream=True, timeout=TIMEOUT) as answer:
        os.truncate(folder / big, 0)
        with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)):
            list(answer.iter_content(2**20))


def test_readers_that_stall_cost_no_memory_and_hold_up_nobody(
    running_system: RunningSystem, root: str, big: str, name: str
) -> None:
    router = leftovers.recorded(running_system.home / "run", "crossbar")
    assert router is not None
    processes = [router, *router.children(recursive=True)]

    def memory() -> int:
        return sum(process.memory_info().rss for process in processes)

    def open_files() -> int:
        return sum(each.path.endswith(big) for process in processes for each in process.open_files())

    before = memory()
    answers = [requests.get(root + big, stream=True, timeout=TIMEOUT) for _ in range(STALLED_READERS)]
    assert get(root + name).content == CONTENTS
    assert memory() - before < BIG_BYTES // 4
    assert open_files() == STALLED_READERS
    for answer in answers:
        answer.close()
    eventually(lambda: open_files() == 0, what="their files are closed")


class TestReadersWithoutEnd:
    """The same resource in a server of our own, so that its limits can be smaller."""

    @pytest.fixture
    def served(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        monkeypatch.setattr(recordings, "READERS_LIMIT", 1)
        with (tmp_path / NAME).open("wb") as file:
            file.truncate(BIG_BYTES)
        site: Any = Site(recordings.Recordings({"recordings_dir": str(tmp_path)}))  # type: ignore[no-untyped-call]
        port = in_reactor(lambda: reactor.listenTCP(0, site, interface="127.0.0.1"))
        yield f"http://127.0.0.1:{port.getHost().port}/{NAME}"
        in_reactor(port.stopListening)

    def test_one_that_takes_nothing_is_dropped_and_sees_that_it_has_not_all(
        self, served: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(recordings, "STALLED_SECONDS", 1.0)
        with requests.get(served, stream=True, timeout=TIMEOUT) as dropped:
            eventually(lambda: get(served, Range="bytes=0-0").status_code == 206, what="there is room for another")
            with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)):
                list(dropped.iter_content(2**20))

    def test_one_too_many_is_told_when_to_come_back(self, served: str) -> None:
        with requests.get(served, stream=True, timeout=TIMEOUT):
            answer = get(served)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
            assert answer.headers["access-control-allow-origin"] == "*"
