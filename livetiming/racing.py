"""The words of racing in the universal format: columns, flags, states of a car (see docs/wire.md)."""

from enum import Enum, IntEnum, StrEnum


class Stat(Enum):
    """The standard columns; a value is (heading, type, description).

    Heading and type are the contract with deployed clients; the description is ours to word. Types: `text`, `class`,
    `numeric`, `delta` (seconds or a text), `time` and `laptime` (`[seconds, flag]`). A plugin may put columns of its
    own beside these as plain tuples.
    """

    NUM = ("Num", "text", "Car number")
    STATE = ("State", "text", "State of the car")
    CLASS = ("Class", "class", "Class")
    TEAM = ("Team", "text", "Team")
    DRIVER = ("Driver", "text", "Driver")
    CAR = ("Car", "text", "Car")
    TYRE = ("T", "text", "Tyre")
    TYRE_STINT = ("TS", "text", "Laps on these tyres since the stop")
    TYRE_AGE = ("TA", "text", "Laps on these tyres since they were new")
    LAPS = ("Laps", "numeric", "Laps completed")
    GAP = ("Gap", "delta", "Gap to the leader")
    CLASS_GAP = ("C.Gap", "delta", "Gap to the class leader")
    INT = ("Int", "delta", "Interval to the car in front")
    CLASS_INT = ("C.Int", "delta", "Interval to the class car in front")
    # The field's standard says `time` for these two; manifests write `laptime`, which newer clients match on.
    LAST_LAP = ("Last", "laptime", "Last lap time")
    BEST_LAP = ("Best", "laptime", "Best lap time")
    S1 = ("S1", "time", "Sector 1 time")
    S2 = ("S2", "time", "Sector 2 time")
    S3 = ("S3", "time", "Sector 3 time")
    S4 = ("S4", "time", "Sector 4 time")
    S5 = ("S5", "time", "Sector 5 time")
    BS1 = ("BS1", "time", "Best sector 1 time")
    BS2 = ("BS2", "time", "Best sector 2 time")
    BS3 = ("BS3", "time", "Best sector 3 time")
    BS4 = ("BS4", "time", "Best sector 4 time")
    BS5 = ("BS5", "time", "Best sector 5 time")
    SPEED = ("Spd", "numeric", "Speed")
    BEST_SPEED = ("B.Spd", "numeric", "Best speed")
    PITS = ("Pits", "numeric", "Pit stops")
    PUSH_TO_PASS = ("PTP", "numeric", "Push to pass left")
    DRIVER_1_BEST_LAP = ("D1 Best", "time", "Best lap time of driver 1")
    DRIVER_2_BEST_LAP = ("D2 Best", "time", "Best lap time of driver 2")
    AGGREGATE_BEST_LAP = ("Average", "time", "Average of the drivers' best laps")
    POS_IN_CLASS = ("PIC", "numeric", "Position in class")
    T1_SPEED = ("T1 Spd", "numeric", "Speed at trap 1")
    BEST_T1_SPEED = ("BT1S", "numeric", "Best speed at trap 1")
    T3_SPEED = ("T3 Spd", "numeric", "Speed at trap 3")
    BEST_T3_SPEED = ("BT3S", "numeric", "Best speed at trap 3")
    NO_TOW_SPEED = ("NTS", "numeric", "Speed without a tow")
    NO_TOW_RANK = ("NTR", "numeric", "Rank by speed without a tow")

    @property
    def title(self) -> str:
        """The column's heading, which readers match on."""
        return self.value[0]

    def column(self) -> list[str]:
        """The column as a manifest's `colSpec` has it: `[heading, type, description]`."""
        return list(self.value)

    @staticmethod
    def from_title(title: str) -> "Stat | None":
        """The standard column with this heading, or None: a plugin's own, or one that is not known yet."""
        return _BY_TITLE.get(title)


# What deployed manifests write for some headings besides the standard one.
_BY_TITLE = {stat.title: stat for stat in Stat} | {"Lap": Stat.LAPS}


class FlagStatus(IntEnum):
    """The flag over the session. The lower-case name is `session.flagState`."""

    NONE = 0
    GREEN = 1
    WHITE = 2
    CHEQUERED = 3
    YELLOW = 4
    FCY = 5  # full-course yellow
    CODE_60 = 6
    VSC = 7  # virtual safety car
    SC = 8  # safety car
    CAUTION = 9
    RED = 10
    SLOW_ZONE = 11
    CODE_60_ZONE = 12

    @property
    def text(self) -> str:
        """The name as a state has it: `green`, `code_60`."""
        return self.name.lower()

    @classmethod
    def from_text(cls, text: object) -> "FlagStatus":
        """The flag that a state's `flagState` names; NONE for anything else."""
        return cls.__members__.get(text.upper(), cls.NONE) if isinstance(text, str) else cls.NONE

    @classmethod
    def fromString(cls, text: object) -> "FlagStatus":  # noqa: N802 - as older plugins call it
        """The same as `from_text`."""
        return cls.from_text(text)


class CarState(StrEnum):
    """What stands in a car's STATE column."""

    NOT_STARTED = "N/S"
    RUN = "RUN"
    PIT = "PIT"
    OUT = "OUT"  # out-lap: from the pit exit to the next crossing
    FUEL = "FUEL"
    STOP = "STOP"  # stopped or crawling on the track
    RETIRED = "RET"
    FINISHED = "FIN"
