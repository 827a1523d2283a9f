"""What readers get: one document, or what has changed of it."""

from livetiming.analysis import Analysis, changed, documents, full, topics
from livetiming.network import analysis_topic
from tests.unit.analysis.races import after, finished, frame, row, run

SLOW = [20, "GT", "#7 is slow or has stopped", "", "7"]
GREEN = [10, "Track", "Green flag", "green"]
BEGIN = after((0, frame(row("RUN", 5, 94.0), row("RUN", 4, 99.0, number="8"))))


def step(*rows: list[object], flag: str = "green", messages: list[object] | None = None) -> dict[str, object]:
    """What changes with this frame."""
    return dict(changed(BEGIN, after((93, frame(*rows, flag=flag, messages=messages or [])), start=BEGIN)))


def test_the_document_has_all_modules_the_state_and_the_manifest() -> None:
    state = frame(row())
    document = full(after((0, state)), state, {"uuid": "a" * 32})
    assert set(document) == {
        *("state", "service", "static", "driver", "lap", "stint", "car_messages", "messages", "session")
    }
    assert (document["state"], document["service"]) == (state, {"uuid": "a" * 32})


def test_every_car_is_in_every_module_of_cars() -> None:
    document = documents(after((0, frame(row(), row("PIT", number="8")))))
    for module in ("static", "driver", "lap", "stint", "car_messages"):
        assert set(document[module]) == {"7", "8"}


def test_a_frame_in_which_nothing_happens_changes_the_time_only() -> None:
    rows = [row("RUN", 5, 94.0, gap=1.0), row("RUN", 4, 99.0, number="8", gap=2.0)]
    assert step(*rows) == {"session": {"currentTimestamp": 93, "flagStats": [[1, 5, 0, None, None]], "leaderLap": 5}}


def test_no_step_changes_nothing() -> None:
    assert changed(BEGIN, BEGIN) == []


def test_a_lap_changes_the_topic_of_its_car() -> None:
    topics = step(row("RUN", 5, 94.0), row("RUN", 5, 98.0, number="8"))
    assert set(topics) == {"lap/8", "session"}
    assert topics["lap/8"] == {"8": [[5, 0, 5, 93, True, 0, 98.0, 0, None, [[98.0, 1]]], 93]}


def test_a_stop_changes_lap_and_stint() -> None:
    topics = step(row("PIT", 6, 93.0), row("RUN", 4, 99.0, number="8"))
    assert set(topics) == {"lap/7", "stint/7", "session"}
    assert topics["lap/7"] == {"7": [None, 93]}
    assert topics["stint/7"] == {"7": [[6, 0, 6, 93, False, 0, 93.0, 0, None, [[93.0, 1]]]]}


def test_a_driver_changes_the_drivers_of_all_cars_and_his_stint() -> None:
    topics = step(row("RUN", 5, 94.0, "Lopez"), row("RUN", 4, 99.0, number="8"))
    assert set(topics) == {"driver", "lap/7", "session"}
    assert topics["driver"] == {"7": ["Conway", "Lopez"], "8": ["Conway"]}


def test_a_new_car_changes_all_that_it_is_in() -> None:
    topics = step(row("RUN", 5, 94.0), row("RUN", 4, 99.0, number="8"), row("PIT", number="9"))
    assert set(topics) == {"static", "driver", "lap/9", "stint/9", "car_messages/9", "session"}


def test_messages_change_the_topics_of_whom_they_are_about() -> None:
    rows = [row("RUN", 5, 94.0), row("RUN", 4, 99.0, number="8")]
    topics = step(*rows, messages=[SLOW, GREEN])
    assert set(topics) == {"car_messages/7", "messages", "session"}
    assert (topics["messages"], topics["car_messages/7"]) == ({"messages": [GREEN]}, {"7": [SLOW]})


def test_a_flag_changes_the_session_only() -> None:
    assert set(step(row("RUN", 5, 94.0), row("RUN", 4, 99.0, number="8"), flag="sc")) == {"session"}


def test_on_the_router_a_number_is_percent_encoded_and_in_payloads_it_is_not() -> None:
    analysis = after((0, frame(row(number="7/a. é"))))
    topic, payload = next(each for each in topics(analysis) if each[0].startswith("stint/"))
    assert analysis_topic("uuid", *topic.split("/", 1)) == "livetiming.analysis/uuid/stint/7%2Fa%2E%20%C3%A9"
    assert payload == {"7/a. é": []}


def test_all_topics_are_what_changes_from_nothing() -> None:
    analysis = after((0, frame(row(), messages=[GREEN])))
    assert topics(analysis) == changed(Analysis.EMPTY, analysis)
    assert [topic for topic, _ in topics(Analysis.EMPTY)] == ["static", "driver", "messages", "session"]


def test_what_has_not_changed_is_the_same_object() -> None:
    later = after((93, frame(row("RUN", 6, 93.0), row("RUN", 4, 99.0, number="8", gap=3.0))), start=BEGIN)
    assert later.cars["8"] is BEGIN.cars["8"]
    assert later.cars["7"].said is BEGIN.cars["7"].said
    assert after((94, frame(row("RUN", 6, 93.0, gap=1))), start=later).cars is later.cars


def test_the_analysis_before_a_step_stays_what_it_was() -> None:
    documented = documents(BEGIN)
    after((93, frame(row("PIT", 6, 93.0, "Lopez"), flag="red", messages=[SLOW, GREEN])), start=BEGIN)
    assert documents(BEGIN) == documented


def test_finished_stints_stay_the_same_objects() -> None:
    first = run((0, "RUN", 5, 94.0), (93, "PIT", 6, 93.0), (140, "OUT", 6, 93.0))
    second = after((240, frame(row("PIT", 7, 100.0))), start=first)
    assert second.cars["7"].stints[0] is first.cars["7"].stints[0]
    assert len(finished(second)) == 2
