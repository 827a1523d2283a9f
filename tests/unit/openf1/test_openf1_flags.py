"""From what race control says to the flag over the track."""

import pytest

from livetiming.openf1.flags import VSC_ENDS, track_of
from livetiming.openf1.records import Control
from livetiming.racing import FlagStatus

NOON = 1_700_000_000.0


def said(message: str, flag: str = "", scope: str = "", sector: int | None = None) -> Control:
    return Control(0, "", flag, scope, sector, None, message)


GREEN = said("GREEN LIGHT - PIT EXIT OPEN", "GREEN", "Track")
CLEAR = said("TRACK CLEAR", "CLEAR", "Track")
RED = said("RED FLAG", "RED", "Track")
CHEQUERED = said("CHEQUERED FLAG", "CHEQUERED", "Track")
SC, SC_IN = said("SAFETY CAR DEPLOYED"), said("SAFETY CAR IN THIS LAP")
VSC, VSC_ENDING = said("VIRTUAL SAFETY CAR DEPLOYED"), said("VIRTUAL SAFETY CAR ENDING")
YELLOW_5, DOUBLE_6 = (
    said("YELLOW IN TRACK SECTOR 5", "YELLOW", "Sector", 5),
    said("DOUBLE YELLOW IN TRACK SECTOR 6", "DOUBLE YELLOW", "Sector", 6),
)
CLEAR_5 = said("CLEAR IN TRACK SECTOR 5", "CLEAR", "Sector", 5)
CLEAR_6 = said("CLEAR IN TRACK SECTOR 6", "CLEAR", "Sector", 6)


def flag(*controls: Control, latest: float | None = None, leader_began: float | None = None) -> FlagStatus:
    """The flag after these, a minute apart from noon on."""
    timed = [
        Control(NOON + 60 * index, *(getattr(each, name) for name in Control.__slots__[1:]))
        for index, each in enumerate(controls)
    ]
    return track_of(timed).shown(latest, leader_began)


@pytest.mark.parametrize(
    ("controls", "expected"),
    [
        ((), FlagStatus.NONE),
        ((GREEN,), FlagStatus.GREEN),
        ((GREEN, said("YELLOW", "YELLOW", "Track")), FlagStatus.YELLOW),
        ((GREEN, said("DOUBLE YELLOW", "DOUBLE YELLOW", "Track"), CLEAR), FlagStatus.GREEN),
        ((GREEN, RED), FlagStatus.RED),
        ((GREEN, RED, GREEN), FlagStatus.GREEN),
        ((GREEN, CHEQUERED), FlagStatus.CHEQUERED),
        ((GREEN, SC), FlagStatus.SC),
        ((GREEN, VSC), FlagStatus.VSC),
        ((GREEN, said("VSC DEPLOYED")), FlagStatus.VSC),
        ((GREEN, VSC, SC), FlagStatus.SC),
        ((RED, SC), FlagStatus.SC),
        ((GREEN, CHEQUERED, SC), FlagStatus.CHEQUERED),
        ((GREEN, RED, CLEAR), FlagStatus.RED),
        ((GREEN, CHEQUERED, CLEAR), FlagStatus.CHEQUERED),
        ((GREEN, said("WAVED BLUE FLAG FOR CAR 23", "BLUE", "Driver")), FlagStatus.GREEN),
        ((GREEN, said("CAR 7 NOTED - SPEEDING UNDER SAFETY CAR DEPLOYED")), FlagStatus.GREEN),
        ((GREEN, said("SAFETY CAR IN THIS LAP")), FlagStatus.GREEN),
    ],
)
def test_the_whole_track(controls: tuple[Control, ...], expected: FlagStatus) -> None:
    assert flag(*controls) is expected


@pytest.mark.parametrize(
    ("controls", "expected"),
    [
        ((GREEN, YELLOW_5), FlagStatus.YELLOW),
        ((GREEN, YELLOW_5, CLEAR_5), FlagStatus.GREEN),
        ((GREEN, YELLOW_5, DOUBLE_6, CLEAR_5), FlagStatus.YELLOW),
        ((GREEN, YELLOW_5, DOUBLE_6, CLEAR_5, CLEAR_6), FlagStatus.GREEN),
        ((GREEN, YELLOW_5, SC), FlagStatus.SC),
        ((GREEN, YELLOW_5, RED), FlagStatus.RED),
        ((GREEN, YELLOW_5, CLEAR), FlagStatus.GREEN),
    ],
)
def test_yellows_of_sectors_show_until_they_are_cleared_and_where_nothing_stronger_does(
    controls: tuple[Control, ...], expected: FlagStatus
) -> None:
    assert flag(*controls) is expected


def test_a_safety_car_that_comes_in_stays_until_the_track_is_clear() -> None:
    assert flag(GREEN, SC, SC_IN) is FlagStatus.SC
    assert flag(GREEN, SC, SC_IN, CLEAR) is FlagStatus.GREEN


def test_without_that_word_it_ends_when_the_leader_begins_another_lap() -> None:
    announced = NOON + 120
    assert flag(GREEN, SC, SC_IN, leader_began=announced - 80) is FlagStatus.SC
    assert flag(GREEN, SC, SC_IN, leader_began=announced + 10) is FlagStatus.GREEN


def test_a_virtual_safety_car_that_ends_is_over_soon_after() -> None:
    announced = NOON + 120
    assert flag(GREEN, VSC, VSC_ENDING, latest=announced + VSC_ENDS - 1) is FlagStatus.VSC
    assert flag(GREEN, VSC, VSC_ENDING, latest=announced + VSC_ENDS + 1) is FlagStatus.GREEN


def test_one_that_is_deployed_again_is_not_over() -> None:
    assert flag(GREEN, VSC, VSC_ENDING, VSC, latest=NOON + 9999) is FlagStatus.VSC


def test_what_is_heard_out_of_order_is_put_into_order() -> None:
    controls = [
        Control(NOON, "", "GREEN", "Track", None, None, ""),
        Control(NOON + 9, "", "RED", "Track", None, None, ""),
    ]
    assert track_of(reversed(controls)).flag is FlagStatus.RED


def test_the_chequered_flag_has_its_moment_until_the_next_part_of_qualifying() -> None:
    shown = [Control(NOON, "", "CHEQUERED", "Track", None, None, "")]
    assert track_of(shown).chequered_at == NOON
    assert track_of([*shown, Control(NOON + 420, "", "GREEN", "Track", None, None, "")]).chequered_at is None
