"""Envelope, topics, and states in messages."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livetiming.network import (
    MalformedMessage,
    Message,
    MessageClass,
    analysis_topic,
    compressed_state_message,
    decode_state,
    is_quit,
    is_uuid,
    quit_command,
    service_topic,
    state_message,
    uuid_of_topic,
)

UUID = "0123456789abcdef" * 2
STATE = {"cars": [["7", "RUN"]], "session": {"flagState": "green"}, "messages": [], "highlight": []}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def test_an_envelope_goes_out_as_the_contract_has_it() -> None:
    assert Message(MessageClass.SERVICE_DATA, {}, 5).encode() == {"msgClass": 4, "date": 5, "payload": {}}
    assert Message(MessageClass.SERVICE_DATA, {}, 5, retain=True).encode()["retain"] is True


def test_an_envelope_comes_back() -> None:
    message = Message(MessageClass.DIRECTORY_LISTING, [1], 5, retain=True)
    assert Message.decode(message.encode()) == message


@pytest.mark.parametrize("date", [None, "yesterday", True, float("nan"), float("inf"), {}])
def test_a_date_that_is_missing_or_no_number_is_none(date: object) -> None:
    assert Message.decode({"msgClass": 4, "date": date, "payload": {}}).date is None


@given(JSON)
def test_no_argument_raises_anything_but_malformed(raw: object) -> None:
    try:
        decode_state(Message.decode(raw))
    except MalformedMessage as error:
        assert str(error)


@pytest.mark.parametrize(
    "make", [state_message, lambda state, date: compressed_state_message(orjson.dumps(state), date)]
)
def test_a_state_is_read_from_class_4_and_class_8_alike(make: object) -> None:
    message = make(STATE, 5)  # type: ignore[operator]  # one of the two above
    assert message.retain
    assert decode_state(Message.decode(message.encode())) == STATE


@pytest.mark.parametrize("payload", ["not compressed", 5, None, ["x"]])
def test_a_state_that_cannot_be_read_is_malformed(payload: object) -> None:
    with pytest.raises(MalformedMessage):
        decode_state(Message(MessageClass.SERVICE_DATA_COMPRESSED, payload, 5))


def test_a_uuid_is_32_lower_case_hexadecimal_digits() -> None:
    assert is_uuid(UUID)
    assert not any(map(is_uuid, [UUID.upper(), UUID[:-1], UUID + "0", UUID + "\n", None, 5]))


def test_the_uuid_is_found_in_a_services_topic_only() -> None:
    assert uuid_of_topic(service_topic(UUID)) == UUID
    assert uuid_of_topic("livetiming.service.x") is None
    assert uuid_of_topic(f"livetiming.service.isAlive.{UUID}") is None
    assert uuid_of_topic(None) is None


def test_in_analysis_topics_a_car_number_is_percent_encoded() -> None:
    assert analysis_topic(UUID, "lap", "7/8.ä") == f"livetiming.analysis/{UUID}/lap/7%2F8%2E%C3%A4"


def test_quit_is_recognised() -> None:
    assert is_quit(quit_command(UUID, "because", 5))
    assert not any(map(is_quit, [None, {}, {"type": "quit"}, "QUIT"]))
