"""The simulated race: deterministic, and a race."""

from collections import defaultdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livetiming.racing import CarState, FlagStatus
from livetiming.simulation.cautions import CAUTIONS
from livetiming.simulation.race import Event, FlagShown, LineCrossed, PitEntered, PitLeft, Race, Retired, SectorDone

unhurried = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])

END = 1e9


def told(events: list[Event]) -> list[tuple[object, ...]]:
    """Events as values: cars by number."""
    return [
        (
            type(event).__name__,
            event.at,
            event.flag if isinstance(event, FlagShown) else event.car.starter.number,
            getattr(event, "total", None),
            getattr(event, "driver", None),
        )
        for event in events
    ]


@pytest.fixture(scope="module")
def events() -> list[Event]:
    """All of a race of an hour with 30 cars."""
    return Race(seed=7, cars=30, minutes=60).advance(END)


def test_the_same_seed_is_the_same_race(events: list[Event]) -> None:
    assert told(Race(seed=7, cars=30, minutes=60).advance(END)) == told(events)
    assert told(Race(seed=8, cars=30, minutes=60).advance(END)) != told(events)


@unhurried
@given(steps=st.lists(st.floats(0.001, 60), max_size=40))
def test_the_race_does_not_depend_on_the_steps_it_is_looked_at_in(steps: list[float]) -> None:
    race, now, stepwise = Race(seed=3, cars=5, minutes=2), 0.0, []
    for step in steps:
        now += step
        stepwise += race.advance(now)
    stepwise += race.advance(END)
    assert told(stepwise) == told(Race(seed=3, cars=5, minutes=2).advance(END))


def test_events_come_in_order_of_time(events: list[Event]) -> None:
    times = [event.at for event in events]
    assert times == sorted(times)


def test_every_car_starts_from_the_grid_and_ends_finished_or_retired() -> None:
    race = Race(seed=1, cars=60, minutes=30)
    assert {car.state for car in race.cars} == {CarState.NOT_STARTED}
    race.advance(race.green_at + 60)
    assert CarState.NOT_STARTED not in {car.state for car in race.cars}
    race.advance(END)
    assert race.over
    assert {car.state for car in race.cars} == {CarState.FINISHED, CarState.RETIRED}


def test_laps_are_counted_one_by_one_and_add_up_to_the_total(events: list[Event]) -> None:
    laps: dict[str, list[LineCrossed]] = defaultdict(list)
    for event in events:
        if isinstance(event, LineCrossed):
            laps[event.car.starter.number].append(event)
    assert len(laps) == 30
    for crossings in laps.values():
        assert [crossing.laps for crossing in crossings] == list(range(len(crossings)))
        assert crossings[0].lap_time is None
        times = [crossing.lap_time for crossing in crossings if crossing.lap_time is not None]
        assert crossings[-1].total == pytest.approx(crossings[0].total + sum(times), abs=0.002)


def test_two_sectors_lie_between_two_crossings_of_the_line(events: list[Event]) -> None:
    sectors: dict[str, list[int]] = defaultdict(list)
    for event in events:
        if isinstance(event, SectorDone):
            sectors[event.car.starter.number].append(event.sector)
        elif isinstance(event, LineCrossed):
            assert sectors.pop(event.car.starter.number, []) == ([0, 1] if event.laps else [])


def test_everybody_pits_and_comes_out_with_some_driver_of_the_car(events: list[Event]) -> None:
    inside: set[str] = set()
    stopped: set[str] = set()
    for event in events:
        if isinstance(event, PitEntered):
            inside.add(event.car.starter.number)
        elif isinstance(event, PitLeft):
            inside.remove(event.car.starter.number)
            stopped.add(event.car.starter.number)
            assert event.driver in event.car.starter.drivers
        elif isinstance(event, LineCrossed):
            assert event.in_pits == (event.car.starter.number in inside)
    retired = {event.car.starter.number for event in events if isinstance(event, Retired)}
    assert len(stopped | retired) == 30
    assert any(isinstance(event, PitLeft) and event.changed for event in events)


def test_the_leader_takes_the_chequered_flag_after_the_time_is_over(events: list[Event]) -> None:
    race = Race(seed=7, cars=30, minutes=60)
    at = next(index for index, event in enumerate(events) if getattr(event, "flag", None) is FlagStatus.CHEQUERED)
    winner = events[at + 1]
    assert isinstance(winner, LineCrossed)
    assert winner.at == events[at].at >= race.ends_at
    crossings = [event for event in events[at + 1 :] if isinstance(event, LineCrossed)]
    assert all(crossing.laps <= winner.laps for crossing in crossings)
    assert len({crossing.car.starter.number for crossing in crossings}) == len(crossings)


def test_cautions_come_and_go() -> None:
    shown = [
        event.flag for seed in range(20) for event in Race(seed, 3, 60).advance(END) if isinstance(event, FlagShown)
    ]
    assert set(shown) == {FlagStatus.GREEN, FlagStatus.CHEQUERED, *CAUTIONS}


def test_laps_are_slower_under_the_safety_car() -> None:
    times: dict[FlagStatus, list[float]] = defaultdict(list)
    for seed in range(10):
        flag = FlagStatus.NONE
        for event in Race(seed, 10, 60).advance(END):
            if isinstance(event, FlagShown):
                flag = event.flag
            elif isinstance(event, SectorDone) and event.sector == 1:
                times[flag].append(event.time)
    typical = {flag: sorted(sectors)[len(sectors) // 2] for flag, sectors in times.items()}
    assert typical[FlagStatus.SC] > 1.3 * typical[FlagStatus.GREEN]


@unhurried
@given(seed=st.integers(0, 10_000), cars=st.integers(1, 60), minutes=st.floats(0.1, 40))
def test_every_race_ends(seed: int, cars: int, minutes: float) -> None:
    race = Race(seed, cars, minutes)
    race.advance(race.ends_at + 3600)
    assert race.over
    order = [(-car.lines, car.line_at) for car in race.running_order()]
    assert order == sorted(order)


@pytest.mark.parametrize(("cars", "minutes"), [(0, 30), (501, 30), (24, 0), (24, -1), (24, float("nan"))])
def test_a_race_that_cannot_be_is_refused(cars: int, minutes: float) -> None:
    with pytest.raises(ValueError, match="there must be 1 to 500 cars"):
        Race(1, cars, minutes)
