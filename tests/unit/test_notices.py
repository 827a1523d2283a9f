"""What viewers are told about the feed itself."""

from livetiming.service.notices import Notices

GONE = [None, "Timing", "The timing feed is gone", ""]
BACK = [None, "Timing", "The timing feed is back", ""]


def said(notices: Notices) -> list[list[str | None]]:
    return notices.process(None, None)


def test_an_outage_and_its_end_are_said_once() -> None:
    notices = Notices()
    notices.feed_gone()
    notices.feed_gone()
    assert said(notices) == [GONE]
    notices.feed_back()
    notices.feed_back()
    assert said(notices) == [BACK]
    assert said(notices) == []


def test_of_several_feeds_the_first_to_go_and_the_last_to_come_back_are_said() -> None:
    notices = Notices()
    notices.feed_gone("a")
    notices.feed_gone("b")
    notices.feed_back("a")
    assert said(notices) == [GONE]
    notices.feed_back("b")
    assert said(notices) == [BACK]


def test_a_feed_that_was_never_gone_is_not_back() -> None:
    notices = Notices()
    notices.feed_back()
    assert said(notices) == []


def test_whoever_is_to_publish_it_is_called() -> None:
    notices, calls = Notices(), []
    notices.changed = lambda: calls.append(1)
    notices.feed_gone()
    assert calls == [1]
