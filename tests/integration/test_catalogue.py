"""The catalogue on the router: the real daemon, files that come and go, and what anybody may ask of it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from autobahn.wamp.exception import ApplicationError

from livetiming.network import RPC, Channel
from livetiming.recording.reader import Recording
from tests.support.client import Client
from tests.support.system import RunningSystem, new_home, remove_home
from tests.support.waiting import eventually
from tests.unit.recordings.files import NOON, write

AUTHCODE = "let-me-äct"


@pytest.fixture(scope="module")
def system() -> Iterator[RunningSystem]:
    """A running system with an authcode."""
    folder = new_home()
    running = RunningSystem(folder)
    running.environ["LIVETIMING_ADMIN_AUTHCODE"] = AUTHCODE
    running.environ["LIVETIMING_RECORDINGS_SCAN_INTERVAL"] = "0.5"
    running.start()
    yield running
    running.end()
    remove_home(folder)


@pytest.fixture(scope="module")
def recordings(system: RunningSystem) -> Path:
    """The folder of finished recordings."""
    folder = system.home / "recordings"
    eventually(folder.is_dir, what="the catalogue has made its folder")
    return folder


@pytest.fixture(scope="module")
def anybody(system: RunningSystem) -> Iterator[Client]:
    """Somebody who came anonymously."""
    client = Client(system.home, port=system.port)
    client.subscribe(Channel.REPLAY, get_retained=True)
    yield client
    client.close()


@pytest.fixture(scope="module")
def services(system: RunningSystem) -> Iterator[Client]:
    """One of our own."""
    client = Client(system.home)
    yield client
    client.close()


def place(recordings: Path, number: int, **manifest: Any) -> str:
    """Move a recording in; its uuid."""
    uuid = f"{number:032x}"
    path = write(recordings.parent, f"{uuid}.zip", NOON + number, uuid=uuid, **manifest)
    path.rename(recordings / path.name)
    return uuid


def listed(client: Client, uuid: str) -> Any:
    return eventually(lambda: client.call(RPC.RECORDINGS_MANIFEST, uuid), what=f"{uuid} is listed")


def published(client: Client) -> list[Any]:
    payloads = [raw["payload"] for topic, raw, _ in client.events if topic == Channel.REPLAY]
    return payloads[-1] if payloads else []


def refused(client: Client, uri: str, *args: Any, **kwargs: Any) -> ApplicationError:
    with pytest.raises(ApplicationError) as error:
        client.call(uri, *args, **kwargs)
    return error.value


def test_a_file_that_is_moved_in_is_listed_and_published_and_one_that_is_deleted_is_not(
    recordings: Path, anybody: Client
) -> None:
    uuid = place(recordings, 1, name="Moved")
    found = listed(anybody, uuid)
    assert (found["name"], found["startTime"], found["duration"]) == ("Moved", NOON + 1, 61)
    assert anybody.call(RPC.RECORDINGS_PAGE, 1, "Moved") == {"recordings": [found], "pages": 1, "total": 1}
    assert "Moved" in anybody.call(RPC.RECORDINGS_NAMES)
    eventually(lambda: found in published(anybody), what="it is published")
    (recordings / f"{uuid}.zip").unlink()
    eventually(lambda: anybody.call(RPC.RECORDINGS_MANIFEST, uuid) is None, what="it is listed no more")
    eventually(lambda: found not in published(anybody), what="and published no more")


def test_whoever_comes_later_gets_the_retained_listing(
    system: RunningSystem, recordings: Path, anybody: Client
) -> None:
    found = listed(anybody, place(recordings, 2))
    eventually(lambda: found in published(anybody), what="it is published")
    late = Client(system.home, port=system.port)
    late.subscribe(Channel.REPLAY, get_retained=True)
    eventually(lambda: found in published(late), what="the late one has it")
    late.close()


def test_recordings_are_found_by_their_words_and_filters(recordings: Path, anybody: Client) -> None:
    spa = place(recordings, 10, name="FIA WEC", description="6h of Spä", serviceClass="wec")
    monza = place(recordings, 11, name="FIA WEC", description="6h of Monza", serviceClass="wec")
    for uuid in (spa, monza):
        listed(anybody, uuid)

    def found(*args: Any, **kwargs: Any) -> list[str]:
        return [each["uuid"] for each in anybody.call(RPC.RECORDINGS_SEARCH, *args, **kwargs)["recordings"]]

    assert found("spa wec") == [spa]
    assert found("6h") == [monza, spa]
    assert found("6h", {"to": NOON + 10}) == [spa]
    assert found(text="", filters={"serviceClass": "wec", "minDuration": 60}) == [monza, spa]
    assert found("6h", {}, 2) == []


def test_what_makes_no_sense_is_refused_in_words_and_not_with_a_traceback(
    system: RunningSystem, anybody: Client
) -> None:
    calls: tuple[tuple[Any, ...], ...] = (
        (RPC.RECORDINGS_SEARCH, 7),
        (RPC.RECORDINGS_SEARCH, "x" * 1000),
        (RPC.RECORDINGS_SEARCH, "", {"nonsense": 1}),
        (RPC.RECORDINGS_SEARCH, "", []),
        (RPC.RECORDINGS_PAGE, 1, {"a": 1}),
    )
    for call in calls:
        assert refused(anybody, *call).error == "wamp.error.invalid_argument"
    assert anybody.call(RPC.RECORDINGS_PAGE, "x", None, "y", "z", more=1)["pages"] >= 0
    assert anybody.call(RPC.RECORDINGS_MANIFEST, {"a": 1}) is None
    assert anybody.call(RPC.RECORDINGS_MANIFEST) is None
    assert anybody.call(RPC.RECORDINGS_STATE_AT) is None
    assert anybody.call(RPC.RECORDINGS_FRAMES, 7, "x", []) == {"frames": [], "next": None}
    assert "Traceback" not in system.log("recordings")


def test_hidden_recordings_are_found_by_our_own_services_only(
    recordings: Path, anybody: Client, services: Client
) -> None:
    uuid = place(recordings, 20, name="Secret", description="Private test", hidden=True)
    listed(anybody, uuid)  # who knows its uuid may see it
    for client, total in ((anybody, 0), (services, 1)):
        assert client.call(RPC.RECORDINGS_SEARCH, "private", {"includeHidden": True})["total"] == total
        assert client.call(RPC.RECORDINGS_PAGE, 1, "Secret", True)["total"] == total
    assert services.call(RPC.RECORDINGS_SEARCH, "private")["total"] == 0


class TestUpdateManifest:
    def test_with_the_code_the_recording_gets_another_description_everywhere(
        self, recordings: Path, anybody: Client
    ) -> None:
        uuid = place(recordings, 30, description="Rcae")
        before = listed(anybody, uuid)
        changed = anybody.call(RPC.RECORDINGS_UPDATE_MANIFEST, {**before, "description": "Race"}, AUTHCODE)
        assert (changed["description"], changed["uuid"]) == ("Race", uuid)
        assert anybody.call(RPC.RECORDINGS_MANIFEST, uuid) == changed
        assert anybody.call(RPC.RECORDINGS_SEARCH, "rcae")["total"] == 0
        eventually(lambda: changed in published(anybody), what="it is published")
        with Recording(recordings / f"{uuid}.zip") as recording:
            assert (recording.manifest["description"], len(recording)) == ("Race", 2)

    @pytest.mark.parametrize("code", [None, "", "wrong", AUTHCODE + " ", 7, [AUTHCODE]])
    def test_without_it_nothing_happens(self, recordings: Path, anybody: Client, code: Any) -> None:
        uuid = place(recordings, 31, description="Race")
        before = listed(anybody, uuid)
        error = refused(anybody, RPC.RECORDINGS_UPDATE_MANIFEST, {**before, "description": "Hacked"}, code)
        assert error.error == "wamp.error.not_authorized"
        assert anybody.call(RPC.RECORDINGS_MANIFEST, uuid) == before

    def test_the_code_is_in_no_log(self, system: RunningSystem, anybody: Client) -> None:
        refused(anybody, RPC.RECORDINGS_UPDATE_MANIFEST, {"uuid": "x"}, "a-wrong-code")
        refused(anybody, RPC.RECORDINGS_UPDATE_MANIFEST, {"uuid": "x"}, AUTHCODE)
        log = "".join(path.read_text(errors="replace") for path in (system.home / "log").iterdir())
        assert "authcode is not LIVETIMING_ADMIN_AUTHCODE" in log
        assert AUTHCODE not in log
        assert "a-wrong-code" not in log

    @pytest.mark.parametrize(
        ("change", "uri"),
        [
            ({"colSpec": [["x", "y"]]}, "wamp.error.invalid_argument"),
            ({"name": 7}, "wamp.error.invalid_argument"),
            ({"uuid": "../../etc/passwd"}, "livetiming.error.no_such_recording"),
            ({"uuid": None}, "livetiming.error.no_such_recording"),
        ],
    )
    def test_a_change_that_cannot_be_is_refused(self, recordings: Path, anybody: Client, change: Any, uri: str) -> None:
        uuid = place(recordings, 32)
        before = listed(anybody, uuid)
        assert refused(anybody, RPC.RECORDINGS_UPDATE_MANIFEST, {"uuid": uuid, **change}, AUTHCODE).error == uri
        assert anybody.call(RPC.RECORDINGS_MANIFEST, uuid) == before

    def test_what_is_no_manifest_is_refused(self, anybody: Client) -> None:
        assert refused(anybody, RPC.RECORDINGS_UPDATE_MANIFEST, "x", AUTHCODE).error == "wamp.error.invalid_argument"


def test_any_second_of_a_recording_can_be_asked_for(recordings: Path, anybody: Client) -> None:
    uuid = place(recordings, 40, cars=[["7", "RUN"]])
    listed(anybody, uuid)
    assert anybody.call(RPC.RECORDINGS_STATE_AT, uuid, NOON + 50)["cars"] == [["7", "RUN"]]
    assert anybody.call(RPC.RECORDINGS_STATE_AT, uuid, NOON + 39) is None
    by_position = anybody.call(RPC.RECORDINGS_FRAMES, uuid, NOON + 40, NOON + 200)
    assert [(t, kind) for t, kind, _ in by_position["frames"]] == [(NOON + 40, "k"), (NOON + 101, "k")]
    assert anybody.call(RPC.RECORDINGS_FRAMES, uuid, **{"from": NOON + 40, "to": NOON + 200}) == by_position


def test_a_cache_that_is_damaged_while_it_is_used_is_made_anew(
    system: RunningSystem, recordings: Path, anybody: Client
) -> None:
    before = listed(anybody, place(recordings, 50))
    cache = system.home / "state" / "recordings.sqlite3"
    with cache.open("r+b") as file:  # in its place, as a bad disk does
        file.write(os.urandom(cache.stat().st_size))
    with cache.with_name(cache.name + "-wal").open("r+b") as file:
        file.truncate(0)
    uuid = place(recordings, 51)
    eventually(lambda: manifest(anybody, uuid), what="the new one is listed")
    assert manifest(anybody, before["uuid"]) == before
    assert "the catalogue's cache was made anew" in system.log("recordings")


def test_a_daemon_that_was_killed_and_has_lost_its_cache_lists_everything_again(
    system: RunningSystem, recordings: Path, anybody: Client
) -> None:
    before = listed(anybody, place(recordings, 60))
    pid = system.pid_of("recordings")
    system.kill(pid)
    for path in (system.home / "state").glob("recordings.sqlite3*"):
        path.unlink()
    eventually(lambda: system.pid_of("recordings") != pid, what="supervisord starts it again")
    eventually(lambda: manifest(anybody, before["uuid"]) == before, what="it is listed again")


def manifest(client: Client, uuid: str) -> Any:
    """What is listed of the recording; None while nobody can say."""
    try:
        return client.call(RPC.RECORDINGS_MANIFEST, uuid)
    except ApplicationError:
        return None
