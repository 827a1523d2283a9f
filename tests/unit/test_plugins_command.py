"""`livetiming-plugins`: what is installed, and a plugin to begin with."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from livetiming.service.plugins_cli import TEMPLATE, main, write_template

PLUGINS = Path("livetiming", "service", "plugins")
GOOD = "from livetiming.service import BaseService\n\nclass Service(BaseService):\n    pass\n"


def plugin(folder: Path, name: str, text: str) -> Path:
    """A plugin in a folder that is on the path."""
    path = folder / PLUGINS / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def listing(*path: Path, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "livetiming.service.plugins_cli", *options],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def listed(*path: Path) -> dict[str, Any]:
    done = listing(*path)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


# -- what is installed


def test_it_is_one_json_object_with_description_and_version_of_each() -> None:
    ours = listed()
    assert set(ours) >= {"rmonitor", "simulated"}
    assert ours["rmonitor"]["description"] == "RMonitor feeds (MyLaps/AMB Orbits) over TCP"
    assert ours["rmonitor"]["distribution"] == "livetiming-orchestrator"
    assert ours["rmonitor"]["version"][0].isdigit()
    assert Path(ours["rmonitor"]["path"]).name == "rmonitor.py"


def test_for_people_it_is_a_table_that_says_where_each_stands(tmp_path: Path) -> None:
    plugin(tmp_path, "mine", GOOD + '\n__spec = {"description": "My series"}\n')
    shown = listing(tmp_path, options=("-H",)).stdout.splitlines()
    assert shown[0].split() == ["NAME", "VERSION", "DESCRIPTION", "FROM"]
    (row,) = (line for line in shown if line.startswith("mine"))
    assert "My series" in row
    assert str(tmp_path) in row
    assert any(line.startswith("rmonitor") and "livetiming-orchestrator" in line for line in shown)


@pytest.mark.parametrize(
    ("text", "description"),
    [
        ('"""The module."""\n' + GOOD + '\n__spec = {"description": "Said"}\n', "Said"),
        ('"""The module."""\n' + GOOD.replace("pass", '"""The class.\n\n    More.\n    """'), "The class."),
        ('"""The module.\n\nMore.\n"""\n' + GOOD, "The module."),
        (GOOD + "\n__spec = ['no dictionary']\n", ""),
        (GOOD, ""),
    ],
)
def test_a_description_is_what_the_plugin_declares_or_else_its_docstring(
    tmp_path: Path, text: str, description: str
) -> None:
    plugin(tmp_path, "mine", text)
    assert listed(tmp_path)["mine"]["description"] == description


@pytest.mark.parametrize(
    ("body", "version"),
    [
        ("def getVersion(self):\n        return '4.2'", "4.2"),
        ("def getVersion(self):\n        return self.args.version", "-"),
        ("def __init__(self, *args):\n        raise SystemExit('it was started')", "-"),
        ("pass", "-"),
    ],
)
def test_a_version_is_what_the_plugin_says_without_being_started(tmp_path: Path, body: str, version: str) -> None:
    text = (
        "from livetiming.service import DuePublisher\nfrom livetiming.service.plugins.simulated import Service as S\n"
    )
    plugin(tmp_path, "mine", text + f"\nclass Service(S):\n    {body}\n")
    assert listed(tmp_path)["mine"]["version"] == version


def distribution(folder: Path, record: list[str]) -> None:
    """What an installer leaves of a distribution that has installed the files of `record`."""
    info = folder / "their_series-2.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-series\nVersion: 2.1\n")
    (info / "RECORD").write_text("".join(f"{line},,\n" for line in record))


def test_or_that_of_the_distribution_that_installed_it(tmp_path: Path) -> None:
    path = plugin(tmp_path, "theirs", GOOD)
    distribution(tmp_path, [str(path.relative_to(tmp_path))])
    plugin(tmp_path, "beside", GOOD)
    found = listed(tmp_path)
    assert (found["theirs"]["version"], found["theirs"]["distribution"]) == ("2.1", "their-series")
    assert (found["beside"]["version"], found["beside"]["distribution"]) == ("-", "")


def test_also_where_it_is_installed_to_be_edited(tmp_path: Path) -> None:
    site, src = tmp_path / "site", tmp_path / "checkout" / "src"
    plugin(src, "theirs", GOOD)
    distribution(site, ["_editable_impl_their_series.pth"])
    (site / "_editable_impl_their_series.pth").write_text(f"{src}\n")
    assert listed(site, src)["theirs"]["version"] == "2.1"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def Service(:\n", "SyntaxError"),
        ("import no_such_module\n", "no_such_module"),
        ("1 / 0\n", "ZeroDivisionError"),
        ("raise SystemExit('wrong machine')\n", "wrong machine"),
        ("", "no class Service"),
        ("Service = 7\n", "no class"),
    ],
)
def test_a_broken_plugin_is_listed_with_the_reason_and_stops_no_other(tmp_path: Path, text: str, why: str) -> None:
    plugin(tmp_path, "broken", text)
    plugin(tmp_path, "mine", GOOD)
    for options in ((), ("-H",)):
        done = listing(tmp_path, options=options)
        assert done.returncode == 1
        assert why in done.stdout
        assert "broken" in done.stderr
        assert "Traceback" not in done.stderr
    found = json.loads(listing(tmp_path).stdout)
    assert why in found["broken"]["error"]
    assert found["mine"]["error"] == found["rmonitor"]["error"] == ""


def test_what_a_plugin_prints_does_not_spoil_the_listing(tmp_path: Path) -> None:
    plugin(tmp_path, "chatty", "print('hello')\n" + GOOD)
    assert listed(tmp_path)["chatty"]["error"] == ""


# -- a new one


def test_a_new_plugin_is_a_package_beside_others_and_passes_its_own_test(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "my_series", "--into", str(tmp_path)]) == 0
    folder = tmp_path / "livetiming-plugin-my-series"
    assert capsys.readouterr().out.strip() == str(folder)
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == {
        "pyproject.toml",
        "README.md",
        "src/livetiming/service/plugins/my_series/__init__.py",
        "src/livetiming/service/plugins/my_series/parse.py",
        "src/livetiming/service/plugins/my_series/sample.json",
        "tests/test_my_series.py",
    }
    assert not [path for path in folder.rglob("*.*") if path.is_file() and re.search("@[A-Z]+@", path.read_text())]
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src"), "LIVETIMING_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout
    found = listed(folder / "src")["my_series"]
    assert (found["description"], found["version"]) == ("Live timing of my_series", "0.1.0")


@pytest.mark.parametrize("name", ["My", "1st", "a-b", "../a", "a.b", "", "é", "class", "_a", "a" + "\n"])
def test_a_name_that_no_plugin_can_have_is_refused(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "--into", str(tmp_path), "--", name]) == 2
    assert "lower case" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "livetiming-plugin-mine"
    folder.mkdir()
    (folder / "work of months").touch()
    assert main(["new", "mine", "--into", str(tmp_path)]) == 1
    assert str(folder) in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["work of months"]


def test_a_name_that_is_taken_is_refused_with_where_that_one_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "rmonitor", "--into", str(tmp_path)]) == 1
    assert "rmonitor.py" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["new", "mine", "--into", str(tmp_path / "file")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_a_template_that_was_half_written_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / ".folder.new" / "left").mkdir(parents=True)
    write_template("mine", tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert not (tmp_path / "folder" / "left").exists()


def test_the_template_keeps_out_of_the_way_of_other_plugins() -> None:
    assert not [path for path in TEMPLATE.rglob("__init__.py.in") if path.parent.name != "@NAME@"]


def test_the_smallest_plugin_of_the_guide_is_one(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "writing-a-plugin.md").read_text()
    plugin(tmp_path, "smallest", guide.split("```python\n")[1].split("```")[0])
    found = listed(tmp_path)["smallest"]
    assert (found["description"], found["error"]) == ("A series of my own", "")
    asked = "from livetiming.service import parse_args; from livetiming.service.plugins.smallest import Service; "
    asked += "from livetiming.state import checked; print(checked(Service(*parse_args(['smallest'])).getRaceState()))"
    done = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "LIVETIMING_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "Conway" in done.stdout
