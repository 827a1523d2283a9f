"""The plugin SDK: what a timing service is written with."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)

from livetiming.service.api import AbstractService, BaseService, DuePublisher

__all__ = ["AbstractService", "BaseService", "DuePublisher"]
