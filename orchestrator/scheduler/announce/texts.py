"""What is said: the operator's templates and the calendar's words → texts. No I/O, no clock.

A template is the operator's; names and reasons are not, so they are inserted as they are and never looked at as
templates. In them an @ pings nobody (a zero-width space follows it), and what controls a terminal or the direction
of writing is removed.
"""

import re
import unicodedata
from collections.abc import Mapping
from string import Formatter
from urllib.parse import quote, urlsplit

X_LIMIT = 280  # as X counts: https://developer.x.com, counting characters (twitter-text's configuration 3)
X_LINK = 23  # what a link counts, however long it is
_X_SINGLE = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))  # code points that count 1; all others count 2
VALUE_LIMIT = 300  # characters of a name or a reason
WHY_LIMIT = 100  # of a reason on X

_PINGS = re.compile(r"[@＠](?!\s)|<(?=[!@#&])")  # the second is Slack's and Discord's
_UNSEEN = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")  # direction of writing, halves
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160), 8232, 8233), " ")
_LEADS_ON = " \t\n:,|–—→-"  # before a value that is not there
_LINKED = re.compile(r"[^\s.]\.[^\W\d_]{2,}")
_LINK_HOST = re.compile(r".+\.[a-z]{2,}")
_CUT = "…"
_JOINER = "\u200d"
_SKIN_TONES = range(0x1F3FB, 0x1F400)


def link_to(public_url: str, service: str) -> str:
    """The page of a service below `public_url`; "" where there is no such address."""
    return f"{public_url}/s/{quote(service, safe='')}" if public_url else ""


def text_of(template: str, *, name: str, service: str, link: str, why: str = "") -> str:
    """The template with its values; "" for an empty template.

    A value that is empty takes the blanks and the colon or dash before it with it.
    """
    return _composed(template, _values(name, service, link, why))


def short_text_of(template: str, *, name: str, service: str, link: str, why: str = "") -> str:
    """The same within X's limit: the reason is shortened, then the name; the link never is."""
    values = _values(name, service, link, why)
    values["why"] = _cut(values["why"], WHY_LIMIT)
    counted = {**values, "link": "x" * X_LINK if _is_linked(link) else link}
    name = values["name"]
    length = len(name)
    while length and weight(_composed(template, {**counted, "name": _cut(name, length)})) > X_LIMIT:
        length -= 1
    return _composed(template, {**values, "name": _cut(name, length)})


def weight(text: str) -> int:
    """How long `text` is for X, or a little more: what may be taken for a link counts as one, or its own length."""
    words = [(sum(map(_weight, word)), _LINKED.search(word)) for word in re.findall(r"\s+|\S+", text)]
    return sum(max(own, X_LINK) if linked else own for own, linked in words)


def cleaned(text: str) -> str:
    """A text from outside as one line that pings nobody."""
    line = " ".join(_UNSEEN.sub("", text).translate(_CONTROLS).split())
    return _PINGS.sub("\\g<0>\u200b", _cut(unicodedata.normalize("NFC", line), VALUE_LIMIT))


def _values(name: str, service: str, link: str, why: str) -> dict[str, str]:
    return {"name": cleaned(name), "service": cleaned(service), "link": link, "why": cleaned(why)}


def _composed(template: str, values: Mapping[str, str]) -> str:
    text = ""
    for literal, field, _form, _how in Formatter().parse(template):
        text += literal
        if field is not None:
            text = text + values[field] if values[field] else text.rstrip(_LEADS_ON)
    return text.strip()


def _weight(char: str) -> int:
    return 1 if any(low <= ord(char) <= high for low, high in _X_SINGLE) else 2


def _is_linked(link: str) -> bool:
    """Whether X makes a link of it: it does not for a host without a dot, or a number."""
    return bool(_LINK_HOST.fullmatch(urlsplit(link).hostname or ""))


def _cut(text: str, length: int) -> str:
    """At most `length` characters of it; no accent is parted from its letter, no emoji from its other half."""
    if len(text) <= length:
        return text
    keep = max(length - 1, 0)
    while keep and (_clings(text[keep]) or text[keep - 1] == _JOINER):
        keep -= 1
    return text[:keep].rstrip() + _CUT if keep else ""


def _clings(char: str) -> bool:
    return char == _JOINER or unicodedata.category(char).startswith("M") or ord(char) in _SKIN_TONES
