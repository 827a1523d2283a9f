"""What a feed may say without end, and what is kept of it (docs/analysis.md says the numbers)."""

from livetiming.analysis import Analysis, documents
from tests.unit.analysis.races import after, current, finished, frame, row, run


def test_cars_that_are_gone_make_room_for_new_ones() -> None:
    cars = [row(number=str(number)) for number in range(500)]
    analysis = after((0, frame(*cars)), (1, frame(*cars[1:], row(number="new"))))
    assert len(analysis.cars) == 500
    assert "new" in analysis.cars
    assert "0" not in analysis.cars


def test_more_cars_than_there_is_room_for_wait_until_there_is() -> None:
    cars = [row(number=str(number)) for number in range(501)]
    full = after((0, frame(*cars)))
    assert (len(full.cars), "500" in full.cars) == (500, False)
    assert "500" in after((1, frame(*cars[1:])), start=full).cars


def test_drivers_beyond_fifty_are_nobody() -> None:
    analysis = run(*((now, "RUN", 5, 94.0, f"Driver {now}") for now in range(60)))
    assert len(documents(analysis)["driver"]["7"]) == 50
    assert current(analysis)[5] == -1
    assert current(run((0, "RUN", 5, 94.0, "Driver 3")))[5] == 0


def test_of_stints_the_newest_are_kept() -> None:
    frames = [(now, "RUN" if now % 2 else "PIT", now, 90.0 + now) for now in range(1, 1203)]
    stints = finished(run(*frames))
    assert (len(stints), stints[-1][3]) == (500, 1202)


def test_of_laps_whole_stints_go_first() -> None:
    frames = [(0, "RUN", 0, None), *((now, "RUN", now, 90.0) for now in range(1, 11))]
    frames += [(11, "PIT", 10, 90.0), (12, "RUN", 10, 90.0)]
    frames += [(now, "RUN", now - 2, 90.0) for now in range(13, 5003)]
    full = run(*frames)
    assert (len(finished(full)), len(current(full)[9])) == (1, 4990)
    full = after(*((now, frame(row("RUN", now - 2, 90.0))) for now in range(5003, 5013)), start=full)
    assert (len(finished(full)), len(current(full)[9])) == (0, 5000)
    full = after((5013, frame(row("RUN", 5011, 90.0))), start=full)
    stint = current(full)
    assert (len(stint[9]), stint[0], stint[2]) == (5000, 12, 5011)


def test_of_messages_the_newest_are_kept() -> None:
    analysis = Analysis.EMPTY
    for now in range(1100):
        messages = [[now, "Track", "Yellow", "yellow"], [now, "GT", "slow", "", "7"]]
        analysis = after((now, frame(row(), messages=messages)), start=analysis)
    document = documents(analysis)
    assert [len(document["messages"]["messages"]), len(document["car_messages"]["7"])] == [1000, 500]
    assert document["car_messages"]["7"][-1][0] == 1099


def test_of_flag_periods_the_newest_are_kept() -> None:
    analysis = after(*((now, frame(flag="green" if now % 2 else "yellow")) for now in range(1100)))
    periods = documents(analysis)["session"]["flagStats"]
    assert (len(periods), periods[-1]) == (1000, [1, 0, 1099, None, None])


def test_with_many_cars_less_is_kept_of_each() -> None:
    others = [row(number=str(number)) for number in range(100, 499)]
    analysis = Analysis.EMPTY
    for now in range(100):
        messages = [[now, "GT", "slow", "", "7"]]
        analysis = after((now, frame(row(), *others, messages=messages)), start=analysis)
    assert len(documents(analysis)["car_messages"]["7"]) == 50


def test_of_a_text_the_beginning_is_kept() -> None:
    cells = [*row(driver="x" * 1000)]
    cells[3] = "y" * 1000
    analysis = after((0, frame(cells, messages=[[0, "z" * 1000, "t" * 1000, "u" * 1000]])))
    document = documents(analysis)
    assert document["driver"]["7"] == ["x" * 200]
    assert document["static"]["7"][1] == "y" * 200
    assert document["messages"]["messages"] == [[0, "z" * 200, "t" * 500, "u" * 200]]
