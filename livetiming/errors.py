"""Whose fault it is: what a plugin raises to tell its host so."""


class RemoteError(Exception):
    """The feed's fault: it is away, refuses us, or sends what nobody can read.

    The host says it once for each outage, without a traceback, keeps the last state, and asks again.
    """


class BugError(Exception):
    """Our own fault. The host logs it with its traceback, once for each distinct one, and tells Sentry, where set."""
