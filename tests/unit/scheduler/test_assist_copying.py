"""From the source's events to copies: mapping, answers, and what is left out."""

from datetime import UTC

from orchestrator.scheduler.assist.copying import copies
from orchestrator.scheduler.assist.mapping import read_mapping
from orchestrator.scheduler.assist.model import Answer, Ask, Copy, Skip, Window, key_of
from orchestrator.scheduler.assist.source_events import Source, SourceEvent

MAPPING = read_mapping("""
ignore = ["PODCAST"]
[tags.WEC]
class = "wec"
name = "FIA {tag} - {title}"
options = "--meeting ? -m x"
[tags.SIM]
class = "simulated"
[tags.DAYS]
class = "simulated"
all_day = "09:00-18:00"
""")
WINDOW = Window(1000, 900_000)
DAY = 86400.0


def event(tag: str, title: str = "Spa", *, uid: str = "u", start: float = 10_000, all_day: bool = False) -> SourceEvent:
    return SourceEvent(uid, uid, tag, title, start, start + (DAY if all_day else 60), all_day)


def made(
    *events: SourceEvent, answers: dict[str, Answer] | None = None, refused: str = ""
) -> tuple[list[Copy], list[Skip], list[Ask]]:
    return copies(Source(events, (), UTC), MAPPING, answers or {}, lambda *_: refused, WINDOW)


def test_a_tag_gives_class_name_and_options() -> None:
    answers = {"u": Answer(("--meeting", "?", "-m", "x"), ("47",))}
    (copy,), skips, asks = made(event("wec"), answers=answers)
    assert copy == Copy(key_of("u"), "FIA WEC - Spa", "wec", ("--meeting", "47", "-m", "x"), 10_000, 10_060)
    assert (skips, asks) == ([], [])


def test_what_is_not_known_yet_is_asked_once_for_a_series() -> None:
    series = [SourceEvent(f"u/{number}", "u", "WEC", "Spa", 10_000 + number, 20_000, False) for number in range(3)]
    _, _, (ask,) = made(*series)
    assert (ask.tag.questions, ask.defaults) == (("--meeting",), ())


def test_an_answer_to_other_options_is_asked_for_again_and_offered() -> None:
    _, _, (ask,) = made(event("WEC"), answers={"u": Answer(("--event", "?"), ("46",))})
    assert ask.defaults == ("46",)


def test_an_unknown_tag_is_told_with_the_nearest() -> None:
    _, (skip,), _ = made(event("WECC"))
    assert skip.wrong
    assert "did you mean [WEC]?" in skip.why


def test_a_tag_that_is_to_be_ignored_is_not_told() -> None:
    assert made(event("podcast")) == ([], [], [])


def test_an_all_day_event_is_left_out_with_a_remark() -> None:
    _, (skip,), _ = made(event("SIM", all_day=True))
    assert not skip.wrong


def test_an_all_day_event_takes_place_when_the_mapping_says() -> None:
    (copy,), _, _ = made(event("DAYS", all_day=True, start=DAY))
    assert (copy.start, copy.end) == (DAY + 9 * 3600, DAY + 18 * 3600)


def test_options_that_the_scheduler_would_refuse_are_not_copied() -> None:
    copied, (skip,), _ = made(event("SIM"), refused="no plugin is called simulated")
    assert (copied, skip.wrong, "no plugin" in skip.why) == ([], True, True)


def test_what_lies_outside_the_window_is_neither_told_nor_asked_for() -> None:
    assert made(event("WECC", start=10), event("WEC", start=950_000)) == ([], [], [])


def test_recognisable_secrets_are_not_shown() -> None:
    copy = Copy("k", "Spa", "f1", ("--token", "abc"), 1, 2)
    assert (copy.title, copy.shown) == ("Spa [f1, --token abc]", "Spa [f1, --token '***']")


def test_a_key_is_one_that_google_takes() -> None:
    assert set(key_of("any uid/20260401T100000Z")) <= set("0123456789abcdefghijklmnopqrstuv")
