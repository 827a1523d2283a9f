"""Plugins of other people, in packages of their own: installed, listed, run by hand, and by the calendar.

They are installed into an environment of the test's own that sees the project's; that one stays as it is.
"""

import json
import signal
import subprocess
import sysconfig
import venv
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from autobahn.wamp.exception import ApplicationError

from livetiming.network import is_uuid
from livetiming.state import empty_state
from orchestrator.router_setup import crossbar
from orchestrator.settings import Settings
from tests.support.client import Client
from tests.support.system import RunningSystem, event, new_home, remove_home
from tests.support.waiting import eventually
from tests.support.web_feed import Answer, WebFeed, web_feed

pytestmark = pytest.mark.timeout(300)

NOW, HOUR = timedelta(0), timedelta(hours=1)
PROJECTS_PACKAGES = Path(sysconfig.get_paths()["purelib"])

OLD_PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "old-timers"
version = "3.7"

[tool.hatch.build.targets.wheel]
packages = ["src/livetiming"]
"""

# As plugins for the field's own API are written.
OLD_PLUGIN = """\
from livetiming.messages import RaceControlMessage
from livetiming.racing import FlagStatus, Stat
from livetiming.service import Service as lt_service, JSONFetcher
from livetiming.utils import uncache
from twisted.internet import reactor
from twisted.internet.task import LoopingCall
import argparse


__spec = {
    'description': 'A series of long ago'
}


def parse_extra_args(extra_args):
    parser = argparse.ArgumentParser()
    parser.add_argument('--url')
    return parser.parse_args(extra_args)


class Service(lt_service):
    attribution = ['Old Timers', 'https://old.example.org']
    auto_poll = False

    def __init__(self, args, extra_args):
        super(Service, self).__init__(args, extra_args)
        self.url = parse_extra_args(extra_args).url
        self.data = {}
        self.race_control = []
        self.messages = [RaceControlMessage(self.race_control)]
        self.ticker = LoopingCall(self._tick)
        self.ticker.start(0.2)

    def start(self):
        def begin():
            JSONFetcher(uncache(self.url), self._received, 0.2).start()
        reactor.callLater(0.1, begin)
        super(Service, self).start()

    def _received(self, data):
        self.race_control += data.get('race_control', [])
        if data.get('name') != self.data.get('name'):
            self.analyser.reset()
            self.publishManifest()
        self.data = data

    def _tick(self):
        if self.data:
            self._updateAndPublishRaceState()

    def getName(self):
        return 'Old Timers'

    def getDefaultDescription(self):
        return self.data.get('name', '')

    def getColumnSpec(self):
        return [Stat.NUM, Stat.STATE, Stat.DRIVER, Stat.LAPS, ('Mood', 'text', 'How the driver feels')]

    def getExtraMessageGenerators(self):
        return self.messages

    def getPollInterval(self):
        return 1

    def getVersion(self):
        return '3.7-old'

    def getRaceState(self):
        return {
            'cars': [[c['num'], 'RUN', c['driver'], c['laps'], 'fine'] for c in self.data['cars']],
            'session': {
                'flagState': FlagStatus.fromString(self.data['flag']).name.lower(),
                'timeElapsed': self.data['elapsed']
            }
        }
"""


class Installation:
    """An environment of its own, with what a user has installed into it beside us."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder / "env", with_pip=False)
        self.folder = folder
        self.python = folder / "env" / "bin" / "python"
        (packages,) = (folder / "env").glob("lib/python*/site-packages")
        (packages / "project.pth").write_text(f"import site; site.addsitedir({str(PROJECTS_PACKAGES)!r})\n")

    def run(self, *arguments: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
        """`python -m …`, to its end."""
        return subprocess.run(
            [self.python, "-m", *arguments],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "LIVETIMING_HOME": str(self.folder / "home"), **environ},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def install(self, package: Path, *how: str) -> None:
        """As `pip install` does, without a network."""
        options = ["--quiet", "--no-index", "--no-build-isolation", "--no-deps", "--disable-pip-version-check"]
        done = self.run("pip", "install", *options, *how, package)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One plugin made by the template, to be edited; one written long ago, installed."""
    before = sorted(path.name for path in PROJECTS_PACKAGES.iterdir())
    made = Installation(tmp_path_factory.mktemp("third-party"))
    new = made.run("livetiming.service.plugins_cli", "new", "my_series")
    assert new.returncode == 0, new.stderr
    made.install(made.folder / new.stdout.strip(), "--editable")
    old = made.folder / "old-timers"
    (old / "src/livetiming/service/plugins").mkdir(parents=True)
    (old / "pyproject.toml").write_text(OLD_PROJECT)
    (old / "src/livetiming/service/plugins/old_timers.py").write_text(OLD_PLUGIN)
    made.install(old)
    yield made
    assert sorted(path.name for path in PROJECTS_PACKAGES.iterdir()) == before, "the project's environment has changed"


@pytest.fixture(scope="module")
def system(installation: Installation) -> Iterator[RunningSystem]:
    """The whole system, run by that environment."""
    home = new_home()
    running = RunningSystem(home)
    del running.environ["PYTHONPATH"]
    running.environ["LIVETIMING_CROSSBAR"] = str(crossbar(Settings.load()))
    running.start(python=installation.python, cwd=home)
    yield running
    running.end()
    remove_home(home)


@pytest.fixture
def viewer(system: RunningSystem) -> Iterator[Client]:
    client = Client(system.home)
    yield client
    system.write_calendar()
    eventually(lambda: client.call("livetiming.directory.listServices", True) == [], within=40, what="all quiet")
    client.close()


@pytest.fixture
def feed() -> Iterator[WebFeed]:
    with web_feed(race(laps=3)) as server:
        yield server


def race(laps: int, **more: Any) -> Answer:
    """What the feed of the old plugin says."""
    cars = [{"num": "12", "driver": "Clark", "laps": laps}, {"num": "4", "driver": "Hill", "laps": laps - 1}]
    return Answer(orjson.dumps({"name": "Heat 1", "flag": "green", "elapsed": laps * 90, "cars": cars, **more}))


def on_air(viewer: Client, description: str) -> dict[str, Any]:
    """The manifest of that service, as soon as it is listed."""
    found: list[dict[str, Any]] = eventually(
        lambda: [
            item
            for item in viewer.call("livetiming.directory.listServices", True)
            if item["description"] == description
        ],
        what=f"{description} on air",
    )
    return found[0]


def state_of(viewer: Client, uuid: str) -> dict[str, Any]:
    """Its state; the empty one while it is not there."""
    try:
        state: dict[str, Any] = viewer.call(f"livetiming.service.requestState.{uuid}")
    except ApplicationError:
        return empty_state()
    return state


def test_both_are_listed_beside_ours(installation: Installation) -> None:
    done = installation.run("livetiming.service.plugins_cli")
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    assert {"my_series", "old_timers", "rmonitor"} <= set(listed)
    template, old = listed["my_series"], listed["old_timers"]
    assert (template["description"], template["version"]) == ("Live timing of my_series", "0.1.0")
    assert template["distribution"] == "livetiming-plugin-my-series"
    assert (old["description"], old["version"], old["distribution"]) == (
        "A series of long ago",
        "3.7-old",
        "old-timers",
    )
    assert str(installation.folder) in old["path"]
    table = installation.run("livetiming.service.plugins_cli", "-H").stdout
    assert "A series of long ago" in table


def test_the_template_passes_its_own_tests_where_it_is_installed(installation: Installation) -> None:
    folder = installation.folder / "livetiming-plugin-my-series"
    done = installation.run("pytest", "-q", "-p", "no:cacheprovider", folder)
    assert done.returncode == 0, done.stdout


def test_their_options_show_in_the_help(installation: Installation) -> None:
    assert "--interval S" in installation.run("livetiming.service.cli", "my_series", "--help").stdout
    assert "old_timers" in installation.run("livetiming.service.cli", "--help").stdout


def test_the_template_runs_as_it_is_without_a_system(installation: Installation) -> None:
    uuid, home = "e" * 32, installation.folder / "home"
    service = subprocess.Popen(
        [installation.python, "-m", "livetiming.service.cli", "my_series", "--standalone", "--uuid", uuid],
        cwd=installation.folder,
        env={"LIVETIMING_HOME": str(home)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert service.stderr is not None
    try:
        said = ""
        while uuid not in said:
            said = service.stderr.readline()
            assert said, "it ended"
        assert said.startswith(f"Standalone server for uuid:{uuid} listening on port:")
        kept = home / "state" / f"{uuid}.json"
        eventually(lambda: kept.exists() and len(orjson.loads(kept.read_bytes())["cars"]) == 4, what="its state")
    finally:
        service.send_signal(signal.SIGTERM)
        code = service.wait(20)
        service.stderr.close()
    assert code == 0


def test_an_event_puts_the_template_on_the_air(system: RunningSystem, viewer: Client) -> None:
    system.write_calendar(event("My race [my_series]", NOW, HOUR))
    manifest = on_air(viewer, "My race")
    assert (manifest["name"], manifest["serviceClass"]) == ("my_series", "my_series")
    assert manifest["livetimingVersion"]["plugin"] == "0.1.0"
    state = eventually(lambda: state_of(viewer, manifest["uuid"])["cars"] and state_of(viewer, manifest["uuid"]))
    assert [car[0] for car in state["cars"]] == ["7", "21", "5", "33"]
    assert state["session"]["flagState"] == "green"


def test_an_event_puts_the_old_one_on_the_air_and_it_follows_its_feed(
    system: RunningSystem, viewer: Client, feed: WebFeed
) -> None:
    system.write_calendar(event(f"Old race [old_timers, --url {feed.url}/live.json]", NOW, HOUR))
    manifest = on_air(viewer, "Old race")
    uuid = manifest["uuid"]
    assert manifest["source"] == ["Old Timers", "https://old.example.org"]
    assert manifest["colSpec"][-1] == ["Mood", "text", "How the driver feels"]
    eventually(lambda: [car[3] for car in state_of(viewer, uuid)["cars"]] == [3, 2], what="its cars")
    assert state_of(viewer, uuid)["session"] == {"flagState": "green", "timeElapsed": 270}
    assert feed.asked[0].startswith("/live.json?t=")
    feed.answers = [race(laps=4, race_control=["Car 4 under investigation"]), race(laps=4)]
    eventually(lambda: [car[3] for car in state_of(viewer, uuid)["cars"]] == [4, 3], what="the next lap")
    said = eventually(lambda: state_of(viewer, uuid)["messages"], what="race control")
    assert said[0][1:] == ["Race Control", "CAR 4 UNDER INVESTIGATION", "raceControl", "4"]


def test_the_old_one_keeps_its_state_while_its_feed_is_away_and_goes_on_after_a_crash(
    system: RunningSystem, viewer: Client, feed: WebFeed
) -> None:
    system.write_calendar(event(f"Old race [old_timers, --url {feed.url}/live.json]", NOW, HOUR))
    uuid = on_air(viewer, "Old race")["uuid"]
    eventually(lambda: len(state_of(viewer, uuid)["cars"]) == 2, what="its cars")
    feed.answers = [Answer(b"<html>down for maintenance</html>")]
    eventually(lambda: "no JSON" in system.log("service-old_timers"), what="the outage is told")
    assert len(state_of(viewer, uuid)["cars"]) == 2
    saved = system.home / "state" / f"{uuid}.json"
    eventually(lambda: saved.exists() and len(orjson.loads(saved.read_bytes())["cars"]) == 2, what="it is kept")
    old = system.pid_of("service-old_timers")
    system.kill(old)
    eventually(lambda: system.pid_of("service-old_timers") != old)
    eventually(lambda: len(state_of(viewer, uuid)["cars"]) == 2, what="the kept state is shown")
    feed.answers = [race(laps=9)]
    eventually(lambda: [car[3] for car in state_of(viewer, uuid)["cars"]] == [9, 8], what="the feed is back")


def test_a_person_starts_the_old_one_under_supervisord(
    installation: Installation, system: RunningSystem, viewer: Client, feed: WebFeed
) -> None:
    def manager(*arguments: str) -> subprocess.CompletedProcess[str]:
        return installation.run("orchestrator.service_manager", *arguments, **system.environ)

    started = manager("start", "old_timers", "--url", feed.url)
    assert started.returncode == 0, started.stderr
    uuid = started.stdout.strip()
    assert is_uuid(uuid)
    assert on_air(viewer, "Heat 1")["uuid"] == uuid
    assert manager("stop", "old_timers").returncode == 0
