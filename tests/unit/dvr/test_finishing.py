"""When a recording that could not be finished is tried again."""

from orchestrator.dvr.finishing import LONGEST_RETRY_SECONDS, RETRY_SECONDS, retry_seconds


def test_it_is_tried_again_later_each_time_but_never_given_up() -> None:
    waits = [retry_seconds(failures) for failures in range(1, 2000)]
    assert waits[:3] == [RETRY_SECONDS, 2 * RETRY_SECONDS, 4 * RETRY_SECONDS]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_RETRY_SECONDS
