"""Settings as the operator writes them."""

import re
from pathlib import Path

import pytest

from livetiming.environment import Environment, SettingError
from livetiming.settings import Credentials, Place
from orchestrator.settings import Settings

PROJECT = Path(__file__).parent.parent.parent


def load(folder: Path, text: str = "", **environ: str) -> Environment:
    (folder / "livetiming.env").write_text(text)
    return Environment.load(folder, environ)


def test_the_file_is_found_upwards_and_relative_paths_start_at_it(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "livetiming.env").write_text("LIVETIMING_HOME=home\n")
    assert Place.load(Environment.load(tmp_path / "a" / "b", {})).home == tmp_path / "home"


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    assert Settings.load(load(tmp_path, "LIVETIMING_PORT=1", LIVETIMING_PORT="2")).port == 2


def test_an_empty_value_counts_as_unset(tmp_path: Path) -> None:
    assert Settings.load(load(tmp_path, "LIVETIMING_PORT=\n")).port == 8080
    assert Settings.load(load(tmp_path, "LIVETIMING_PORT=1", LIVETIMING_PORT="")).port == 8080


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LIVETIMING_PORT", "http"),
        ("LIVETIMING_PORT", "70000"),
        ("LIVETIMING_START_BUFFER", "-1"),
        ("LIVETIMING_START_BUFFER", "nan"),
        ("LIVETIMING_BIND", "a b"),
        ("LIVETIMING_PUBLIC_URL", "live.example.org"),
        ("LIVETIMING_ROUTER", "http://x"),
    ],
)
def test_an_error_names_the_variable_its_value_and_what_was_expected(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings.load(load(tmp_path, **{name: value}))
    assert name in str(caught.value)
    assert repr(value) in str(caught.value)
    assert "must be" in str(caught.value)


def test_the_secret_of_the_home_is_used_where_none_is_set(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secret").write_text("abc\n")
    assert Place.load(load(tmp_path)).credentials == Credentials("services", "abc")


def test_no_secret_shows_in_a_repr() -> None:
    assert "abc" not in repr(Credentials("services", "abc"))


def test_without_a_router_it_is_the_homes_own(tmp_path: Path) -> None:
    assert Place.load(load(tmp_path)).router == f"rs://unix:{tmp_path}/var/run/router.sock"


def test_every_setting_is_documented_and_every_documented_one_exists() -> None:
    documented = set(re.findall(r"^([A-Z0-9_]+)=", (PROJECT / "livetiming.env").read_text(), re.MULTILINE))
    sources = [*(PROJECT / "livetiming").rglob("*.py"), *(PROJECT / "orchestrator").rglob("*.py")]
    used = {
        name
        for source in sources
        for name in re.findall(r'"((?:LIVETIMING|TWITTER|SENTRY|CALENDAR|OPENF1)_[A-Z_]+)"', source.read_text())
    }
    assert used | {"SENTRY_API_KEY"} == documented  # which the field's installations have, and nothing needs


def test_every_documented_default_is_the_one_in_force(tmp_path: Path) -> None:
    documented = load(tmp_path, (PROJECT / "livetiming.env").read_text())
    (tmp_path / "bare").mkdir()
    bare = Environment({}, tmp_path)
    assert Settings.load(documented) == Settings.load(bare)
