"""The live timing screen in a terminal, and the list of what is on the air."""

import io
import unicodedata
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console, RenderableType

from livetiming.racing import FlagStatus, Stat
from livetiming.state import MalformedState, checked
from orchestrator import screen
from orchestrator.cells import Kind, cell, class_styles, clean
from orchestrator.screen import Notice, OnAir, Size
from orchestrator.terminal import DEEPEST, plain
from orchestrator.watch import find, unknown

UUID = "0123456789abcdef0123456789abcdef"
COLUMNS = [
    Stat.NUM, Stat.STATE, Stat.CLASS, Stat.POS_IN_CLASS, Stat.TEAM, Stat.DRIVER, Stat.LAPS, Stat.GAP, Stat.INT,
    Stat.S1, Stat.S2, Stat.S3, Stat.LAST_LAP, Stat.BEST_LAP, Stat.PITS,
]  # fmt: skip
NEVER_DROPPED = ["Num", "Team", "Driver", "Laps", "Gap", "Last", "Best"]
ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnihton\x00\r\n[bold red]a[/]"


def manifest(**changes: Any) -> dict[str, Any]:
    return {
        "uuid": UUID,
        "name": "FIA WEC",
        "serviceClass": "wec",
        "description": "6h of Spa",
        "colSpec": [stat.column() for stat in COLUMNS],
        "trackDataSpec": ["Track", "Air"],
        "hidden": False,
        **changes,
    }


def car(num: str = "7", state: str = "RUN", class_: str = "HYPERCAR", last: Any = (93.412, "pb")) -> list[Any]:
    driver = ["Conway", "gold"]
    return [num, state, class_, 1, "Toyota", driver, 12, 1.5, "1 lap", [23.4, ""], [33.4, ""], [31.1, ""], last, "", 2]


def state(*cars: list[Any], **changes: Any) -> dict[str, Any]:
    session: dict[str, Any] = {"flagState": "green"} | changes
    return checked({"cars": list(cars), "session": session, "messages": [], "highlight": []})


def printed(renderable: RenderableType, width: int = 160, *, colours: bool = False) -> str:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=colours, color_system="truecolor" if colours else None
    )
    console.print(renderable)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO from above
    return text


def timing(
    race: dict[str, Any],
    size: Size | None = None,
    *,
    of: dict[str, Any] | None = None,
    age: float = 0.0,
    notice: Notice | None = None,
    colours: bool = False,
) -> str:
    size = size or Size(160, 40)
    page = screen.timing(of or manifest(), race, size, age=age, zone=UTC, notice=notice)
    return printed(page, size.width or 1000, colours=colours)


# -- what the screen says


def test_the_screen_names_the_service_its_flag_and_its_track_data() -> None:
    text = timing(state(car(), flagState="sc", trackData=["Spa", ["24°C", ""], None]))
    assert "6h of Spa – FIA WEC" in text
    assert "SAFETY CAR" in text
    assert "Track: Spa · Air: 24°C" in text


@pytest.mark.parametrize("flag", list(FlagStatus))
def test_every_flag_has_a_name_and_a_colour(flag: FlagStatus) -> None:
    name, style = screen.flag({"flagState": flag.text})
    assert name
    assert " on " in style


def test_an_unknown_flag_is_none() -> None:
    assert screen.flag({"flagState": "plaid"}) == screen.flag({})


def test_the_clock_goes_on_between_states() -> None:
    session = {"timeElapsed": 5025.1, "timeRemain": 60.0, "lapsRemain": 20}
    assert screen.clocks(session, 2.0) == "1:23:47 elapsed · 0:00:58 to go · 20 laps to go"


def test_a_paused_clock_stands() -> None:
    assert screen.clocks({"timeElapsed": 10, "pauseClocks": True}, 5.0) == "0:00:10 elapsed"


def test_the_clock_stops_where_no_state_comes_any_more() -> None:
    assert screen.clocks({"timeElapsed": 0}, 10_000.0) == "0:01:00 elapsed"


def test_no_time_is_left_never_becomes_less_than_none() -> None:
    assert screen.clocks({"timeRemain": 1.0}, 30.0) == "0:00:00 to go"


@pytest.mark.parametrize("value", [None, "12", float("nan"), float("inf"), 10**400, True])
def test_a_clock_that_is_no_number_is_not_shown(value: Any) -> None:
    assert screen.clocks({"timeElapsed": value, "timeRemain": value, "lapsRemain": value}, 0.0) == ""


def test_cars_stand_in_running_order() -> None:
    lines = timing(state(car("51"), car("7"), car("93"))).splitlines()
    order = [line.split()[:2] for line in lines if "Toyota" in line]
    assert order == [["1", "51"], ["2", "7"], ["3", "93"]]


def test_a_car_in_the_news_is_marked() -> None:
    race = {**state(car("51"), car("7")), "highlight": ["7"]}
    marked = [line for line in timing(race).splitlines() if line.startswith("▸")]
    assert len(marked) == 1
    assert " 7 " in marked[0]


def test_messages_stand_below_with_their_time_of_day() -> None:
    race = {**state(car()), "messages": [[1700000000, "Track", "Safety car deployed", "yellow"]]}
    assert "22:13:20 Track        Safety car deployed" in timing(race)


def test_a_state_without_cars_says_so() -> None:
    assert "no cars yet" in timing(state())


def test_a_manifest_without_columns_still_shows_the_cells() -> None:
    text = timing(state(car()), of={"uuid": UUID})
    assert UUID in text
    assert "Toyota" in text


# -- cells


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ([93.412, "pb"], Kind.LAP, "1:33.412"),
        ([59.9, ""], Kind.LAP, "0:59.900"),
        (93.412, Kind.LAP, "1:33.412"),
        ([23.4, "sb"], Kind.TIME, "23.400"),
        ([63.4, "sb"], Kind.TIME, "1:03.400"),
        ([59.9996, ""], Kind.TIME, "1:00.000"),
        (["", ""], Kind.LAP, ""),
        ([0, ""], Kind.LAP, ""),
        (1.2, Kind.DELTA, "1.200"),
        (-0.00001, Kind.DELTA, "0.000"),
        ("2 laps", Kind.DELTA, "2 laps"),
        (12, Kind.NUMBER, "12"),
        (185.25, Kind.NUMBER, "185.25"),
        (None, Kind.NUMBER, ""),
        (["Conway", "gold"], Kind.TEXT, "Conway (G)"),
        (["Conway", "oak"], Kind.TEXT, "Conway"),
        ({"a": 1}, Kind.TEXT, ""),
        ([], Kind.LAP, ""),
        (float("nan"), Kind.LAP, ""),
        (10**400, Kind.NUMBER, ""),
    ],
)
def test_a_cell_is_written_as_its_column_wants(value: Any, kind: Kind, text: str) -> None:
    assert cell(value, kind).text == text


@pytest.mark.parametrize(("mark", "style"), [("sb", "orchid"), ("sb-new", "orchid"), ("pb", "green"), ("old", "dim")])
def test_a_time_is_coloured_by_its_mark(mark: str, style: str) -> None:
    assert style in cell([93.4, mark], Kind.LAP).style


@pytest.mark.parametrize("name", ["PIT", "OUT", "RET", "FIN", "STOP"])
def test_a_car_state_has_a_style(name: str) -> None:
    assert cell(name, Kind.STATE).style
    assert not cell(name, Kind.TEXT).style


def test_numbers_stand_at_the_right_and_texts_at_the_left() -> None:
    head, first = (line for line in timing(state(car())).splitlines() if "Num" in line or "Toyota" in line)
    for heading, text in (("Team", "Toyota"), ("Driver", "Conway (G)")):
        assert head.index(heading) == first.index(text)
    for heading, text in (("Last", "1:33.412"), ("Laps", " 12 ")):
        assert head.index(heading) + len(heading) == first.index(text) + len(text.rstrip())


# -- classes


@given(st.sets(st.text(max_size=10), max_size=8))
def test_classes_have_colours_of_their_own(names: set[str]) -> None:
    assert len(set(class_styles(names).values())) == len(names)


@given(st.sets(st.text(max_size=10), max_size=30), st.randoms())
def test_the_order_of_the_cars_does_not_change_a_class_colour(names: set[str], random: Any) -> None:
    shuffled = sorted(names)
    random.shuffle(shuffled)
    assert class_styles(shuffled) == class_styles(names)


# -- what fits


@pytest.mark.parametrize("width", range(52, 200, 4))
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    race = {**state(*[car(str(num)) for num in range(30)]), "messages": [[0, "Track", "x" * 500, "yellow"]] * 5}
    lines = timing(race, Size(width, 24), notice=Notice("y" * 500)).splitlines()
    assert all(cell_len(line) <= width for line in lines)


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_the_columns_that_matter_most_are_never_dropped(width: int) -> None:
    head = next(line for line in timing(state(car()), Size(width, 24)).splitlines() if "Num" in line)
    assert set(NEVER_DROPPED) <= set(head.split())


def test_the_least_important_columns_go_first() -> None:
    def headings(width: int) -> set[str]:
        return set(next(line for line in timing(state(car()), Size(width, 24)).splitlines() if "Num" in line).split())

    assert {"S1", "S2", "S3", "State", "Int"} <= headings(140)
    assert not {"S1", "S2", "S3"} & headings(80)
    assert {"State", "Class"} <= headings(80)


def test_a_column_of_the_plugins_own_goes_before_a_standard_one() -> None:
    own = manifest(colSpec=[*(stat.column() for stat in COLUMNS), ["Fuel", "numeric"]])
    texts = [timing(state([*car(), 17.5]), Size(width, 24), of=own) for width in range(52, 160)]
    assert any("Fuel" in text for text in texts)
    assert all("Pits" in text for text in texts if "Fuel" in text)


@pytest.mark.parametrize("height", [1, 2, 5, 10, 24, 50])
@pytest.mark.parametrize("cars", [0, 1, 20, 100])
def test_the_screen_is_no_higher_than_the_terminal(height: int, cars: int) -> None:
    race = {**state(*[car(str(num)) for num in range(cars)]), "messages": [[0, "Track", "said", "yellow"]] * 50}
    page = timing(race, Size(120, height), notice=Notice("live"))
    assert len(page.splitlines()) <= height


def test_what_is_cut_is_counted() -> None:
    text = timing(state(*[car(str(num)) for num in range(60)]), Size(120, 24))
    shown = sum(1 for line in text.splitlines() if "Toyota" in line)
    assert f"… {60 - shown} more cars" in text


def test_without_a_terminal_nothing_is_cut() -> None:
    text = timing(state(*[car(str(num)) for num in range(60)]), Size(None, None))
    assert sum(1 for line in text.splitlines() if "Toyota" in line) == 60
    assert "S3" in text
    assert "more cars" not in text


def test_a_notice_is_the_last_line() -> None:
    assert timing(state(car()), notice=Notice("the router is away", urgent=True)).splitlines()[-1].startswith("the rou")


# -- feeds are not to be trusted


def test_nothing_that_a_terminal_obeys_gets_through() -> None:
    hostile = manifest(
        name=ESCAPES,
        description=ESCAPES,
        serviceClass=ESCAPES,
        colSpec=[[ESCAPES, "text"], *(stat.column() for stat in COLUMNS)],
        trackDataSpec=[ESCAPES],
    )
    race = state([ESCAPES, *car(num=ESCAPES, state=ESCAPES, class_=ESCAPES, last=[ESCAPES, ESCAPES])])
    race["session"]["trackData"] = [ESCAPES]
    race["messages"] = [[ESCAPES, ESCAPES, ESCAPES, ESCAPES, ESCAPES]]
    race["highlight"] = [ESCAPES]
    text = timing(race, of=hostile, notice=Notice(ESCAPES))
    text += printed(screen.listing([OnAir(hostile, race)], Size(120, 24), Notice(ESCAPES)))
    left = {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs")} - {"\n"}
    assert not left
    assert "[bold red]a[/]" in text  # shown as it is, not obeyed


@given(st.text(), st.integers(1, 60))
def test_clean_text_is_one_short_line_without_control_characters(text: str, limit: int) -> None:
    cleaned = clean(text, limit)
    assert len(cleaned) <= limit
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in cleaned)


def test_an_absurdly_long_cell_is_cut() -> None:
    assert len(clean("x" * 1_000_000)) < 100


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(
    st.fixed_dictionaries(
        {
            "cars": json_values | st.lists(st.lists(json_values, max_size=20), max_size=5),
            "session": st.dictionaries(
                st.sampled_from(["flagState", "timeElapsed", "timeRemain", "lapsRemain", "pauseClocks", "trackData"]),
                json_values,
            ),
            "messages": json_values | st.lists(st.lists(json_values, max_size=6), max_size=5),
            "highlight": json_values,
        }
    )
)
def test_no_state_ends_the_screen(raw: dict[str, Any]) -> None:
    try:
        race = checked(raw)
    except MalformedState:
        return
    lines = timing(race, Size(80, 24), notice=Notice("live")).splitlines()
    assert len(lines) <= 24
    assert all(cell_len(line) <= 80 for line in lines)
    printed(screen.listing([OnAir(manifest(), race)], Size(80, 24), None))


@given(json_values)
def test_whatever_comes_can_be_written_as_json(value: Any) -> None:
    plain(value)


def test_what_is_nested_without_end_is_written_only_so_far() -> None:
    nested: list[Any] = []
    for _ in range(5000):
        nested = [nested]
    depth, inner = 0, plain(nested)
    while inner:
        depth, inner = depth + 1, inner[0]
    assert depth <= DEEPEST + 1


# -- colours


def test_without_colours_there_are_no_escape_sequences() -> None:
    assert "\x1b" not in timing(state(car()))


def test_with_colours_the_flag_is_a_band() -> None:
    assert "\x1b[" in timing(state(car()), colours=True)


# -- the list


def test_the_list_has_name_class_uuid_flag_clock_and_leader() -> None:
    text = printed(
        screen.listing([OnAir(manifest(), state(car(), timeElapsed=60), 5.0)], Size(120, 24), Notice("live"))
    )
    for part in ("6h of Spa – FIA WEC", "wec", UUID, "GREEN", "0:01:05 elapsed", "leader 7 Conway", "1 car"):
        assert part in text
    assert "hidden" not in text


def test_hidden_services_are_marked() -> None:
    assert "hidden" in printed(screen.listing([OnAir(manifest(hidden=True))], Size(120, 24), None))


def test_an_empty_list_says_that_nothing_is_on() -> None:
    assert "nothing is on the air" in printed(screen.listing([], Size(120, 24), None))


def test_a_list_that_is_too_long_says_how_many_more() -> None:
    text = printed(screen.listing([OnAir(manifest())] * 30, Size(120, 24), Notice("live")))
    assert len(text.splitlines()) <= 24
    assert "… 24 more on the air" in text


# -- which service is meant


def test_a_service_is_found_by_uuid_or_by_class() -> None:
    one, other = manifest(), manifest(uuid="f" * 32, serviceClass="rmonitor")
    assert find("f" * 32, [one, other]) == [other]
    assert find("WEC", [one, other]) == [one]
    assert find("imsa", [one, other]) == []


def test_all_services_of_a_class_are_found() -> None:
    one, other = manifest(), manifest(uuid="f" * 32)
    assert find("wec", [one, other]) == [one, other]


def test_the_nearest_names_are_offered() -> None:
    services = [manifest(), manifest(serviceClass="rmonitor", name="Demo", description="Demo Cup")]
    assert unknown("rmonitr", services).endswith("did you mean rmonitor?")


def test_without_a_near_name_everything_on_the_air_is_offered() -> None:
    services = [manifest(serviceClass="rmonitor"), manifest()]
    assert unknown("zzz", services).endswith("these are: rmonitor, wec")


def test_with_nothing_on_the_air_that_is_said() -> None:
    assert "nothing" in unknown("wec", [])
