"""Which part of a file an HTTP request is answered with (RFC 9110)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltrouter.ranges import Reply, reply

TAG = b'"now"'


def asked(range_: bytes, size: int = 100, **more: bytes) -> Reply:
    return reply(
        {b"range": range_, **{name.replace("_", "-").encode(): value for name, value in more.items()}}, TAG, size
    )


@pytest.mark.parametrize(
    ("range_", "offset", "length", "content_range"),
    [
        (b"bytes=0-0", 0, 1, b"bytes 0-0/100"),
        (b"bytes=10-19", 10, 10, b"bytes 10-19/100"),
        (b"bytes=90-", 90, 10, b"bytes 90-99/100"),
        (b"bytes=90-500", 90, 10, b"bytes 90-99/100"),
        (b"bytes=-10", 90, 10, b"bytes 90-99/100"),
        (b"bytes=-500", 0, 100, b"bytes 0-99/100"),
        (b"Bytes= 5-6 ", 5, 2, b"bytes 5-6/100"),
    ],
)
def test_one_range_is_answered_with_that_part(range_: bytes, offset: int, length: int, content_range: bytes) -> None:
    assert asked(range_) == Reply(206, offset, length, content_range)


@pytest.mark.parametrize("range_", [b"bytes=100-", b"bytes=100-200", b"bytes=-0", b"bytes=999999999999999999-"])
def test_a_range_behind_the_end_is_refused_with_the_size(range_: bytes) -> None:
    assert asked(range_) == Reply(416, 0, 0, b"bytes */100")


@pytest.mark.parametrize("range_", [b"bytes=0-", b"bytes=-5", b"bytes=0-0"])
def test_an_empty_file_has_no_ranges(range_: bytes) -> None:
    assert asked(range_, 0).status == 416


@pytest.mark.parametrize(
    "range_",
    [
        b"",
        b"bytes",
        b"bytes=",
        b"bytes=-",
        b"bytes=9-5",
        b"bytes=a-b",
        b"bytes=+1-2",
        b"bytes=--1",
        b"lines=1-2",
        "bytes=١-٢".encode(),
        b"bytes=" + b"9" * 5000 + b"-",
    ],
)
def test_what_is_no_range_gives_the_whole_file(range_: bytes) -> None:
    assert asked(range_) == Reply(200, 0, 100)


@pytest.mark.parametrize("count", [2, 3, 5000])
def test_many_ranges_give_the_whole_file_once(count: int) -> None:
    assert asked(b"bytes=" + b",".join([b"0-"] * count)) == Reply(200, 0, 100)


def test_a_resumed_download_goes_on_while_the_file_is_the_same() -> None:
    assert asked(b"bytes=50-", if_range=TAG).status == 206


@pytest.mark.parametrize("if_range", [b'"before"', b'W/"now"', b"Tue, 14 Nov 2023 22:13:20 GMT", b""])
def test_it_begins_again_where_the_file_may_be_another(if_range: bytes) -> None:
    assert asked(b"bytes=50-", if_range=if_range) == Reply(200, 0, 100)


@pytest.mark.parametrize("known", [TAG, b'W/"now"', b'"before", "now"', b"*"])
def test_a_file_that_the_browser_has_is_not_sent_again(known: bytes) -> None:
    assert reply({b"if-none-match": known}, TAG, 100) == Reply(304, 0, 0)


@pytest.mark.parametrize("known", [b'"before"', b"now", b""])
def test_one_that_changed_is(known: bytes) -> None:
    assert reply({b"if-none-match": known}, TAG, 100) == Reply(200, 0, 100)


@given(st.binary(max_size=30) | st.from_regex(rb"bytes=\d{0,4}-\d{0,4}", fullmatch=True), st.integers(0, 2000))
def test_whatever_is_asked_the_part_lies_in_the_file_and_the_header_tells_it(range_: bytes, size: int) -> None:
    answer = asked(range_, size)
    assert 0 <= answer.offset <= answer.offset + answer.length <= size
    if answer.status == 206:
        assert answer.length > 0
        assert answer.content_range == b"bytes %d-%d/%d" % (answer.offset, answer.offset + answer.length - 1, size)
    else:
        assert answer.status == 200 or answer.length == 0
