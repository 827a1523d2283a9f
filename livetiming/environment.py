"""Settings as the operator writes them: the environment, over `livetiming.env` found from here upwards.

An empty value counts as unset, and a relative path starts at the folder of `livetiming.env` (without one, at the
working directory). Each reader checks its value; an error names the variable, its value, and what was expected.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

FILE_NAME = "livetiming.env"


class SettingError(ValueError):
    """A variable holds something it cannot hold."""

    def __init__(self, name: str, value: str, expected: str) -> None:
        super().__init__(f"{name} is {value!r}, but must be {expected}: change it in {FILE_NAME} or the environment")


@dataclass(frozen=True)
class Environment:
    """The variables that are set, and the folder that relative paths start from."""

    values: Mapping[str, str]
    base: Path

    @classmethod
    def load(cls, start: Path | None = None, environ: Mapping[str, str] | None = None) -> "Environment":
        """The settings in force for a program started in folder `start` with variables `environ`."""
        here = (start or Path.cwd()).resolve()
        over = os.environ if environ is None else environ
        for folder in (here, *here.parents):
            if (folder / FILE_NAME).is_file():
                return cls(_merge(dotenv_values(folder / FILE_NAME, interpolate=False), over), folder)
        return cls(_merge({}, over), here)

    def text(self, name: str, default: str = "") -> str:
        """The variable's text, or `default` where it is unset."""
        return self.values.get(name, default)

    def path(self, name: str, default: Path | str) -> Path:
        """The variable, or `default`, as an absolute path."""
        return self.base / Path(self.values.get(name) or default).expanduser()

    def number(self, name: str, default: float, *, low: float = 0.0, high: float = float("inf")) -> float:
        """The variable as a number from `low` to `high`."""
        value = self.values.get(name)
        if value is None:
            return default
        expected = f"a number from {low:g} to {high:g}" if high < float("inf") else f"a number, {low:g} or more"
        try:
            number = float(value)
        except ValueError:
            raise SettingError(name, value, expected) from None
        if not low <= number <= high or number == float("inf"):
            raise SettingError(name, value, expected)
        return number

    def integer(self, name: str, default: int, *, low: int = 0, high: int = 2**31) -> int:
        """The variable as a whole number from `low` to `high`."""
        value = self.values.get(name)
        if value is None:
            return default
        if not value.removeprefix("-").isdecimal() or not low <= int(value) <= high:
            raise SettingError(name, value, f"a whole number from {low} to {high}")
        return int(value)

    def flag(self, name: str, *, default: bool) -> bool:
        """The variable as yes or no."""
        value = self.values.get(name)
        if value is None:
            return default
        words = {
            "1": True,
            "true": True,
            "yes": True,
            "on": True,
            "0": False,
            "false": False,
            "no": False,
            "off": False,
        }
        if value.lower() not in words:
            raise SettingError(name, value, "yes or no")
        return words[value.lower()]


def _merge(file: Mapping[str, str | None], environ: Mapping[str, str]) -> dict[str, str]:
    """File values under environment values. An empty one in the environment hides the file's: it unsets."""
    merged = {name: value.strip() for name, value in {**file, **environ}.items() if value is not None}
    return {name: value for name, value in merged.items() if value}
