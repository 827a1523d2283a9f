"""Bytes → lines."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livetiming.rmonitor.framing import LINE_LIMIT, LineSplitter, split_lines

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def test_all_three_line_ends_are_accepted_and_blank_lines_are_nothing() -> None:
    assert split_lines(b"$I\n$J\r\n\r\n\n$K\r\r\n") == ["$I", "$J", "$K"]


def test_names_are_read_as_cp1252_and_what_is_none_is_replaced() -> None:
    assert split_lines(b'$C,1,"Cl\xe9ment \x81"\r\n') == ['$C,1,"Clément �"']


def test_a_byte_order_mark_before_the_first_line_is_dropped() -> None:
    assert split_lines(b"\xef\xbb\xbf##2025-03-01 22:43:02.295\n$I\n") == ["##2025-03-01 22:43:02.295", "$I"]


def test_a_line_is_given_out_when_its_end_has_come() -> None:
    lines = LineSplitter()
    assert lines.feed(b'$B,5,"Fri') == []
    assert lines.feed(b'day"\r') == []
    assert lines.feed(b"\n$I") == ['$B,5,"Friday"']


def test_a_line_over_the_limit_is_dropped_counted_and_never_kept() -> None:
    lines = LineSplitter()
    for _ in range(100):
        assert lines.feed(b"x" * LINE_LIMIT) == []
    assert lines.feed(b"x\n$I\n") == ["$I"]
    assert lines.feed(b"y" * (LINE_LIMIT + 1) + b"\n$J\n") == ["$J"]
    assert lines.dropped == 2


@unhurried
@given(st.lists(st.binary(max_size=40)))
def test_the_lines_do_not_depend_on_the_chunks(chunks: list[bytes]) -> None:
    lines = LineSplitter()
    cut = [line for chunk in [*chunks, b"\n"] for line in lines.feed(chunk)]
    assert cut == split_lines(b"".join(chunks))
