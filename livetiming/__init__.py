"""The universal timing format, what it means, and the SDK for the plugins that produce it."""

from pkgutil import extend_path

# Plugins are modules of this namespace in other distributions and folders.
__path__ = extend_path(__path__, __name__)
