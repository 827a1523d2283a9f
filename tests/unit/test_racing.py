"""The universal format's words: their headings, types and numbers are a contract with deployed clients."""

import pytest

from livetiming.racing import CarState, FlagStatus, Stat

# As the contract lists them: constant → heading/type.
CONTRACT = """
NUM Num/text · STATE State/text · CLASS Class/class · TEAM Team/text · DRIVER Driver/text · CAR Car/text ·
TYRE T/text · TYRE_STINT TS/text · TYRE_AGE TA/text · LAPS Laps/numeric · GAP Gap/delta · CLASS_GAP C.Gap/delta ·
INT Int/delta · CLASS_INT C.Int/delta · LAST_LAP Last/laptime · BEST_LAP Best/laptime ·
S1 S1/time · S2 S2/time · S3 S3/time · S4 S4/time · S5 S5/time ·
BS1 BS1/time · BS2 BS2/time · BS3 BS3/time · BS4 BS4/time · BS5 BS5/time ·
SPEED Spd/numeric · BEST_SPEED B.Spd/numeric · PITS Pits/numeric · PUSH_TO_PASS PTP/numeric ·
DRIVER_1_BEST_LAP D1 Best/time · DRIVER_2_BEST_LAP D2 Best/time · AGGREGATE_BEST_LAP Average/time ·
POS_IN_CLASS PIC/numeric · T1_SPEED T1 Spd/numeric · BEST_T1_SPEED BT1S/numeric · T3_SPEED T3 Spd/numeric ·
BEST_T3_SPEED BT3S/numeric · NO_TOW_SPEED NTS/numeric · NO_TOW_RANK NTR/numeric
"""


def test_every_standard_column_has_its_heading_and_type() -> None:
    contract = {}
    for item in CONTRACT.replace("\n", " ").split(" · "):
        name, _, rest = item.strip().partition(" ")
        contract[name] = tuple(rest.split("/"))
    assert {stat.name: stat.value[:2] for stat in Stat} == contract


def test_a_column_is_a_list_of_heading_type_and_description() -> None:
    assert Stat.GAP.column() == ["Gap", "delta", "Gap to the leader"]


def test_a_heading_finds_its_column() -> None:
    assert all(Stat.from_title(stat.title) is stat for stat in Stat)
    assert Stat.from_title("Lap") is Stat.LAPS
    assert Stat.from_title("Weight") is None


def test_flags_have_the_numbers_of_the_wire() -> None:
    names = "none green white chequered yellow fcy code_60 vsc sc caution red slow_zone code_60_zone"
    assert " ".join(flag.name.lower() for flag in FlagStatus) == names
    assert [flag.value for flag in FlagStatus] == list(range(13))
    assert FlagStatus.CODE_60.text == "code_60"


@pytest.mark.parametrize("text", ["purple", "", None, 3, ["green"]])
def test_an_unknown_flag_is_none(text: object) -> None:
    assert FlagStatus.from_text(text) is FlagStatus.NONE


def test_a_flag_is_found_by_its_text() -> None:
    assert all(FlagStatus.from_text(flag.text) is flag for flag in FlagStatus)


def test_car_states_are_their_texts() -> None:
    assert [str(state) for state in CarState] == ["N/S", "RUN", "PIT", "OUT", "FUEL", "STOP", "RET", "FIN"]
