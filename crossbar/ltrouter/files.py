"""Files that the router serves."""

from typing import Any

from twisted.web.resource import Resource
from twisted.web.static import File


class Pages(Resource):
    """`/`: the files of the web client, and `/schedule.ics`, what is to come, for calendar programs.

    `extra`: `web_dir`, and `schedule_file`, which may not be there yet. (Crossbar's own service of files takes folders
    only, and paths without a dot.)
    """

    def __init__(self, extra: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._files: Any = _Files(extra["web_dir"])
        schedule: Any = _Files(extra["schedule_file"], defaultType="text/calendar")
        self.putChild(b"schedule.ics", schedule)

    def getChild(self, path: bytes, request: Any) -> Any:  # noqa: N802 - Twisted's name
        """A file of the client; Twisted has looked among our children."""
        return self._files.getChild(path, request)


class _Files(File):
    """Files that are asked for anew each time, in folders that are not listed."""

    def directoryListing(self) -> Any:  # noqa: N802 - Twisted's name
        return self.childNotFound

    def render_GET(self, request: Any) -> Any:  # noqa: N802 - Twisted's name
        request.setHeader(b"cache-control", b"no-cache")
        request.setHeader(b"access-control-allow-origin", b"*")
        return super().render_GET(request)  # type: ignore[no-untyped-call]
