"""What a service keeps on the disk to go on from: its last state, and its analysis."""

from dataclasses import dataclass
from pathlib import Path

import orjson

from livetiming.analysis import Analysis, MalformedAnalysis, load
from livetiming.files import write_whole
from livetiming.state import State, checked


class Unusable(ValueError):
    """A kept file cannot be used. The service begins anew without it."""

    def __init__(self, file: Path, why: object) -> None:
        super().__init__(f"{file} cannot be used ({why}): beginning anew")


@dataclass(frozen=True)
class Kept:
    """The two files of a service."""

    state_file: Path
    analysis_file: Path

    @classmethod
    def of(cls, state_dir: Path, analysis_dir: Path, uuid: str) -> "Kept":
        """Those of service `uuid`."""
        return cls(state_dir / f"{uuid}.json", analysis_dir / f"{uuid}.json")

    def state(self) -> State | None:
        """The last state, None where none was kept; Unusable where there is a file but no state in it."""
        try:
            return checked(orjson.loads(self.state_file.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise Unusable(self.state_file, error) from error

    def analysis(self) -> Analysis:
        """The last analysis, or the empty one; Unusable where there is a file but no analysis in it."""
        try:
            return load(self.analysis_file.read_bytes())
        except FileNotFoundError:
            return Analysis.EMPTY
        except (OSError, MalformedAnalysis) as error:
            raise Unusable(self.analysis_file, error) from error

    def keep(self, state: State, analysis: bytes | None) -> None:
        """Write both, each whole or not at all; OSError where the disk will not have them."""
        for file, content in ((self.analysis_file, analysis), (self.state_file, orjson.dumps(state))):
            if content is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
                write_whole(file, content)
