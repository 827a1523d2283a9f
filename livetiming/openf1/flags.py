"""From what race control has said to the flag over the track.

A text for the whole track (or a safety car) sets the flag; yellows of mini-sectors are counted until they are cleared,
and show where nothing stronger does. `SAFETY CAR IN THIS LAP` and `VIRTUAL SAFETY CAR ENDING` announce an end, which is
the next word for the whole track. Where that does not come, it is when the leader begins another lap, or some seconds
later: a flag is not to stay for ever because one text is missing.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from livetiming.openf1.records import Control
from livetiming.racing import FlagStatus

VSC_ENDS = 30.0  # seconds after it was announced; the rules say 10 to 15

_SAFETY_CAR = re.compile(r"(?:(VIRTUAL SAFETY CAR|VSC)|SAFETY CAR) (DEPLOYED|ENDING|IN THIS LAP)\b", re.IGNORECASE)
_YELLOWS = ("YELLOW", "DOUBLE YELLOW")
_NEUTRALISED = (FlagStatus.SC, FlagStatus.VSC)
_STOPPED = (FlagStatus.RED, FlagStatus.CHEQUERED)


@dataclass
class Track:
    """The track as race control has it. Moments are Unix seconds."""

    flag: FlagStatus = FlagStatus.NONE  # over the whole track
    yellow_sectors: set[int | None] = field(default_factory=set)
    ending_since: float | None = None  # the end of the safety car was announced
    chequered_at: float | None = None

    def hear(self, control: Control) -> None:
        """The next thing that race control says."""
        safety_car = _SAFETY_CAR.match(control.message)
        if safety_car is not None:
            self._safety_car(virtual=bool(safety_car[1]), deployed=safety_car[2].upper() == "DEPLOYED", at=control.at)
        elif control.scope == "Sector":
            if control.flag in _YELLOWS:
                self.yellow_sectors.add(control.sector)
            elif control.flag:
                self.yellow_sectors.discard(control.sector)
        elif control.scope != "Driver":
            self._whole_track(control)

    def _safety_car(self, *, virtual: bool, deployed: bool, at: float) -> None:
        if deployed and self.flag is not FlagStatus.CHEQUERED:
            self.flag = FlagStatus.VSC if virtual else FlagStatus.SC
            self.ending_since = None
        elif not deployed and self.flag in _NEUTRALISED:
            self.ending_since = at

    def _whole_track(self, control: Control) -> None:
        if control.flag in _YELLOWS:
            if self.flag in (FlagStatus.NONE, FlagStatus.GREEN):
                self.flag = FlagStatus.YELLOW
            return
        if control.flag == "CLEAR" and self.flag in _STOPPED:
            return
        flag = {
            "GREEN": FlagStatus.GREEN,
            "CLEAR": FlagStatus.GREEN,
            "RED": FlagStatus.RED,
            "CHEQUERED": FlagStatus.CHEQUERED,
        }.get(control.flag)
        if flag is not None:
            self.flag, self.ending_since = flag, None
            self.yellow_sectors.clear()
            self.chequered_at = control.at if flag is FlagStatus.CHEQUERED else None

    def shown(self, latest: float | None, leader_began: float | None) -> FlagStatus:
        """The flag to show, where `latest` is the feed's time, and the leader began his lap at `leader_began`."""
        flag = self.flag
        if self.ending_since is not None and flag in _NEUTRALISED:
            until = self.ending_since + VSC_ENDS if flag is FlagStatus.VSC else self.ending_since
            moment = latest if flag is FlagStatus.VSC else leader_began
            if moment is not None and moment > until:
                flag = FlagStatus.GREEN
        if flag in (FlagStatus.NONE, FlagStatus.GREEN) and self.yellow_sectors:
            return FlagStatus.YELLOW
        return flag


def track_of(controls: Iterable[Control]) -> Track:
    """The track after all that was said."""
    track = Track()
    for control in sorted(controls, key=lambda each: each.at):
        track.hear(control)
    return track
