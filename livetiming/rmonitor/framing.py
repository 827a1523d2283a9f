"""Chunks of bytes → lines of text. Lines end in LF, CR LF or CR CR LF; blank ones are nothing."""

LINE_LIMIT = 8192  # bytes; the longest line measured in real captures has 87
ENCODING = "cp1252"  # the protocol says ASCII; real names have accents in this code page
_BOM = b"\xef\xbb\xbf"  # some relays' captures begin with it


class LineSplitter:
    """Cuts a stream into lines, whatever its chunks are.

    A line over LINE_LIMIT bytes is left out and counted in `dropped`; no more than that is ever kept.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._tail = b""
        self._skipping = False
        self._at_start = True

    def feed(self, data: bytes) -> list[str]:
        """The lines that `data` completes, without their ends."""
        *complete, tail = (self._tail + data).split(b"\n")
        lines = []
        for raw in complete:
            if self._skipping:
                self._skipping = False
            elif len(raw) > LINE_LIMIT:
                self.dropped += 1
            else:
                lines.append(self._text(raw))
        if self._skipping or len(tail) > LINE_LIMIT:
            self.dropped += not self._skipping
            self._skipping = True
            tail = b""
        self._tail = tail
        return [line for line in lines if line]

    def _text(self, raw: bytes) -> str:
        if self._at_start:
            self._at_start = False
            raw = raw.removeprefix(_BOM)
        return raw.decode(ENCODING, errors="replace").strip("\r\0 \t")


def split_lines(data: bytes) -> list[str]:
    """The lines of a whole capture; a last line without an end is one too."""
    return LineSplitter().feed(data + b"\n")
