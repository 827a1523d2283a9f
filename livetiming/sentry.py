"""Errors to Sentry, where `SENTRY_DSN` is set; without it nothing of Sentry is even imported."""

from livetiming.environment import Environment, SettingError

FLUSH_SECONDS = 2  # at the end, for what has not been sent yet


def begin(env: Environment, **tags: str) -> None:
    """Send what is logged as an error, with its traceback and `tags`, to the Sentry of the environment's SENTRY_DSN."""
    dsn = env.text("SENTRY_DSN")
    if not dsn:
        return
    import sentry_sdk
    from sentry_sdk.integrations.stdlib import StdlibIntegration
    from sentry_sdk.utils import BadDsn

    try:
        sentry_sdk.init(
            dsn,
            environment=env.text("LIVETIMING_ENVIRONMENT") or None,
            auto_enabling_integrations=False,  # we use none of those frameworks
            disabled_integrations=[StdlibIntegration()],  # it tells of each request, with tokens in the address
            include_local_variables=False,  # they may hold secrets
            max_breadcrumbs=20,
            shutdown_timeout=FLUSH_SECONDS,
        )
    except BadDsn:
        raise SettingError("SENTRY_DSN", "…", "the address that Sentry gives for a project") from None
    for name, value in tags.items():
        sentry_sdk.set_tag(name, value)
