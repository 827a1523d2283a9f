"""When a calendar is read again. No I/O, no clock."""

FIRST_SECONDS = 10.0


def next_read(interval: float, failures: int, retry_after: float, jitter: float) -> float:
    """Seconds until the next reading, after `failures` in a row (0: the last went well); `jitter` is from 0 to 1.

    A failure is tried again soon, then ever later up to the interval, so that an outage is not made worse and its end
    is noticed no later than without it. With jitter many schedulers do not come back all at once. A server's own wish
    (`retry_after`) is kept.
    """
    if not failures:
        return interval
    wait = min(interval, FIRST_SECONDS * 2.0 ** min(failures - 1, 30))
    return max(retry_after, wait * (1.0 - 0.5 * jitter))
