"""The first page, in a real browser, against the real router."""

import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from livetiming.lzstring import compress_to_utf16
from livetiming.network import service_topic
from livetiming.racing import CarState, FlagStatus
from livetiming.times import format_clock, format_lap_time
from orchestrator.cells import Kind, cell
from tests.support.client import Client
from tests.support.on_air import OnAir, car, race
from tests.support.system import RunningSystem, event
from tests.support.waiting import eventually

pytestmark = pytest.mark.xdist_group("first_page")

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
STRICT = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'"
WAIT = 20_000  # ms
Put = Callable[..., OnAir]
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def launch() -> Iterator[Callable[..., Browser]]:
    """Start Debian's Chromium; without one the tests are skipped, but not where CI is set."""
    chromium = shutil.which("chromium")
    if chromium is None:
        advice = "no chromium on the PATH: apt-get install chromium"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(advice)
        pytest.skip(advice)
    with sync_playwright() as playwright:
        launched: list[Browser] = []

        def start(*more: str) -> Browser:
            launched.append(playwright.chromium.launch(executable_path=chromium, args=[*ARGUMENTS, *more]))
            return launched[-1]

        yield start
        for browser in launched:
            browser.close()


@pytest.fixture(scope="module")
def browser(launch: Callable[..., Browser]) -> Browser:
    """The browser that the tests share."""
    return launch()


@pytest.fixture
def put(running_system: RunningSystem) -> Iterator[Put]:
    """Put services on the air, until the end of the test."""
    client = Client(running_system.home)
    services: list[OnAir] = []

    def put_on_air(**manifest: Any) -> OnAir:
        services.append(OnAir(client, **manifest))
        return services[-1]

    yield put_on_air
    for service in services:
        service.leave()
    client.close()


@pytest.fixture
def open_page(browser: Browser, running_system: RunningSystem) -> Iterator[Open]:
    """Open the page in a browser of its own kind; nothing may go wrong in it, and it may ask nobody else."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []
    origin = f"http://127.0.0.1:{running_system.port}/"

    def open_in(path: str = "", **kind: Any) -> Page:
        contexts.append(browser.new_context(**kind))
        page = contexts[-1].new_page()
        page.set_default_timeout(WAIT)
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("console", lambda said: wrong.append(said.text) if _is_wrong(said.type, said.text) else None)
        page.on("request", lambda request: wrong.append(request.url) if not request.url.startswith(origin) else None)
        page.goto(origin + path)
        return page

    yield open_in
    for context in contexts:
        assert context.cookies() == []
        context.close()
    assert not wrong


def _is_wrong(kind: str, text: str) -> bool:
    return kind == "error" and "WebSocket connection to" not in text  # that one is the router's being away


# -- what is on the air


@pytest.mark.parametrize("compressed", [True, False])
def test_the_page_shows_what_is_on_the_air(put: Put, open_page: Open, compressed: bool) -> None:
    service = put()
    service.publish(race(car("7"), car("51")), compressed=compressed)
    card = open_page().locator("#air li")
    expect(card.get_by_role("link", name="Test race")).to_have_attribute("href", f"#{service.uuid}", timeout=WAIT)
    expect(card).to_contain_text("Test Series · tested")
    expect(card.locator(".flag")).to_have_text("Green 1:23:45 elapsed · 0:10:00 to go")
    expect(card.locator(".leader")).to_have_text("7 Driver 7")
    expect(card.locator(".cars")).to_have_text("2")


def test_the_page_follows_what_happens(put: Put, open_page: Open) -> None:
    page = open_page()
    expect(page.locator("#air-note")).to_have_text("Nothing is on the air.", timeout=WAIT)
    service = put()
    service.publish(race(car("7")))
    expect(page.locator("#air .leader")).to_have_text("7 Driver 7", timeout=WAIT)
    service.publish(race(car("51"), car("7"), flagState="sc"))
    expect(page.locator("#air .leader")).to_have_text("51 Driver 51", timeout=WAIT)
    expect(page.locator("#air .flag-name")).to_have_text("Safety car")
    service.leave()
    expect(page.locator("#air li")).to_have_count(0, timeout=WAIT)
    expect(page.locator("#air-note")).to_have_text("Nothing is on the air.")


def test_hidden_services_are_not_shown(put: Put, open_page: Open) -> None:
    put(hidden=True)
    shown = put()
    links = open_page().locator("#air a")
    expect(links).to_have_count(1, timeout=WAIT)
    expect(links).to_have_attribute("href", f"#{shown.uuid}")


def test_a_card_that_has_the_focus_keeps_it(put: Put, open_page: Open) -> None:
    service = put()
    service.publish(race(car("7")))
    page = open_page()
    page.locator("#air a").focus()
    service.publish(race(car("51")))
    expect(page.locator("#air .leader")).to_have_text("51 Driver 51", timeout=WAIT)
    expect(page.locator("#air a")).to_be_focused()


# -- what comes next


def test_what_comes_next_is_shown_in_the_time_of_the_viewer(running_system: RunningSystem, open_page: Open) -> None:
    title = "Test Cup - race 2 [simulated]"
    running_system.write_calendar(event(title, timedelta(hours=5), timedelta(hours=1)))
    pages = [open_page(timezone_id=zone) for zone in ("Asia/Kolkata", "Asia/Kathmandu")]
    for page, zone in zip(pages, ("GMT+5:30", "GMT+5:45"), strict=True):
        row = page.locator("#next tbody tr")
        expect(row.get_by_role("rowheader")).to_have_text("Test Cup - race 2", timeout=WAIT)
        expect(row).to_contain_text("simulated")
        expect(row.locator(".relative")).to_have_text(re.compile("in 5 hours"))
        expect(row.locator("time")).to_have_text(re.compile(rf"^\w+ \d+ \w+, \d\d:\d\d {re.escape(zone)}$"))
    instants = {page.locator("#next time").get_attribute("datetime") for page in pages}
    assert len(instants) == 1
    running_system.write_calendar()
    expect(pages[0].locator("#next-note")).to_have_text("Nothing is planned.", timeout=WAIT)


# -- one service


def test_a_service_leads_to_its_live_table(put: Put, open_page: Open) -> None:
    service = put()
    state = race(car("7", last=[93.412, "sb"]), car("51", "PIT", "HYPERCAR"), trackData=["24°C"])
    state["messages"] = [[1700000000, "Pits", "#51 has entered the pits", "pit", "51"]]
    state["highlight"] = ["51"]
    service.publish(state)
    page = open_page()
    page.get_by_role("link", name="Test race").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Test race")
    expect(page.locator("#service-flag")).to_have_text("Green 1:23:45 elapsed · 0:10:00 to go", timeout=WAIT)
    expect(page.locator("#service-track")).to_have_text("Air: 24°C")
    headings = page.locator("#order thead th")
    expect(headings).to_have_text(["Pos", "Num", "State", "Class", "Team", "Driver", "Laps", "Gap", "Last", "Best"])
    assert {each.get_attribute("scope") for each in headings.all()} == {"col"}
    rows = page.locator("#order tbody tr")
    expect(rows).to_have_count(2)
    cells = [
        "1",
        "7",
        "RUN",
        "LMGT3",
        "Team 7",
        "Driver 7",
        "12",
        "1.500",
        "1:33.412 (best of the session)",
        "1:32.981",
    ]
    expect(rows.first.locator("th, td")).to_have_text(cells)
    expect(rows.last.get_by_role("rowheader")).to_have_text("51")
    expect(rows.last).to_have_class("news")
    expect(page.locator("#messages li")).to_contain_text("#51 has entered the pits")
    assert page.title() == "Test race – Live timing"


def test_the_live_table_follows_the_race(put: Put, open_page: Open) -> None:
    service = put()
    service.publish(race(car("7"), car("51"), car("93")))
    page = open_page(f"#{service.uuid}")
    numbers = page.locator("#order tbody th")
    expect(numbers).to_have_text(["7", "51", "93"], timeout=WAIT)
    service.publish(race(car("93"), car("7")))
    expect(numbers).to_have_text(["93", "7"], timeout=WAIT)


def test_a_change_of_the_flag_is_announced_and_nothing_else(put: Put, open_page: Open) -> None:
    service = put()
    service.publish(race(car("7")))
    page = open_page(f"#{service.uuid}")
    expect(page.locator("#order tbody th")).to_have_text(["7"], timeout=WAIT)
    announcer = page.locator("#announcer")
    expect(announcer).to_have_text("")
    service.publish(race(car("51")))
    expect(page.locator("#order tbody th")).to_have_text(["51"], timeout=WAIT)
    expect(announcer).to_have_text("")
    service.publish(race(car("51"), flagState="red"))
    expect(announcer).to_have_text("Flag: Red", timeout=WAIT)


def test_a_service_that_ends_is_said_and_its_last_state_stays(put: Put, open_page: Open) -> None:
    service = put()
    service.publish(race(car("7")))
    page = open_page(f"#{service.uuid}")
    expect(page.locator("#order tbody th")).to_have_text(["7"], timeout=WAIT)
    service.leave()
    expect(page.locator("#service-note")).to_have_text("This service has ended.", timeout=WAIT)
    expect(page.locator("#order tbody th")).to_have_text(["7"])


def test_a_hidden_service_can_be_watched_by_who_knows_its_uuid(put: Put, open_page: Open) -> None:
    service = put(hidden=True)
    service.publish(race(car("7")))
    page = open_page(f"#{service.uuid}")
    expect(page.locator("#order tbody")).to_contain_text("Driver 7", timeout=WAIT)
    expect(page.locator("#service-note")).to_have_text("")


def test_a_service_that_nobody_knows_is_said(open_page: Open) -> None:
    page = open_page("#" + "0" * 32)
    expect(page.locator("#service-note")).to_have_text("This service is not on the air.", timeout=WAIT)


# -- the router


def test_the_page_comes_back_by_itself_when_the_router_does(
    running_system: RunningSystem, put: Put, open_page: Open
) -> None:
    service = put()
    service.publish(race(car("7")))
    page = open_page()
    expect(page.locator("#connection")).to_have_text("Live", timeout=WAIT)
    expect(page.locator("#air .leader")).to_have_text("7 Driver 7", timeout=WAIT)
    running_system.kill(running_system.pid_of("router"))
    expect(page.locator("#connection")).to_have_text("Connection lost. Trying again.", timeout=WAIT)
    eventually(lambda: service.client.router.joined, what="the service is back")
    another = put(description="Another race")
    another.publish(race(car("93")))
    expect(page.locator("#connection")).to_have_text("Live", timeout=2 * WAIT)
    expect(page.get_by_role("link", name="Another race")).to_be_visible(timeout=WAIT)
    expect(page.locator("#air .leader").last).to_have_text("93 Driver 93", timeout=WAIT)


# -- what comes from the wire is not trusted


def test_whatever_a_feed_says_is_text(put: Put, open_page: Open) -> None:
    evil = "<img src=/evil onerror=\"document.title='owned'\"><b>x</b>\x1b[31m\u202e"
    shown = "<img src=/evil onerror=\"document.title='owned'\"><b>x</b>[31m"
    service = put(name=evil, description=evil, serviceClass="<i>", colSpec=[["Num", "text"], ["<u>", "text"]])
    state = race(['"><script>', evil])
    state["session"]["trackData"] = [evil]
    state["messages"] = [[1700000000, evil, evil, evil]]
    service.publish(state)
    page = open_page()
    expect(page.get_by_role("link", name=shown)).to_be_visible(timeout=WAIT)
    page.get_by_role("link", name=shown).click()
    expect(page.locator("#messages li")).to_contain_text(shown[:40], timeout=WAIT)
    expect(page.locator("#order thead")).to_contain_text("<u>")
    assert page.locator("main img, main b, main i, main u, main script").count() == 0
    assert page.title() != "owned"


def test_a_strict_content_security_policy_takes_nothing_from_the_page(
    running_system: RunningSystem, put: Put, launch: Callable[..., Browser]
) -> None:
    service = put()
    service.publish(full_state())
    origin = f"http://127.0.0.1:{running_system.port}/"
    # A page that a test has had in its hands has no address of this machine for Chromium, which asks for one here.
    page = launch("--disable-features=LocalNetworkAccessChecks").new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))

    def strictly(route: Any) -> None:
        response = route.fetch()
        route.fulfill(response=response, headers={**response.headers, "content-security-policy": STRICT})

    page.route(origin, strictly)
    page.goto(origin)
    expect(page.locator("#air .leader")).to_have_text("1 Driver 1", timeout=WAIT)
    page.locator("#air a").click()
    expect(page.locator("#order tbody tr")).to_have_count(24)
    assert said == []


def test_a_state_that_cannot_be_read_changes_nothing(put: Put, open_page: Open) -> None:
    service = put()
    service.publish(race(car("7")))
    page = open_page(f"#{service.uuid}")
    numbers = page.locator("#order tbody th")
    expect(numbers).to_have_text(["7"], timeout=WAIT)
    nonsense: list[Any] = ["no such thing", None, 7, [], {"cars": 7, "session": None, "messages": "x", "highlight": {}}]
    for payload in nonsense:
        for msg_class in (4, 8):
            service.client.publish(service_topic(service.uuid), {"msgClass": msg_class, "payload": payload})
    service.client.publish(service_topic(service.uuid), "nothing like an envelope")
    service.publish(race(car("51")))
    expect(numbers).to_have_text(["51"], timeout=WAIT)


def test_compressed_texts_are_read_as_they_were_written(open_page: Open) -> None:
    generator = random.Random(7)
    alphabets = ["ab", '0123456789.,[]"', "äöüß–…", "".join(map(chr, range(32, 1000))), "🏁🏎️日本"]
    texts = [
        "",
        "a",
        "aaaaaaaaaaaa",
        *("".join(generator.choices(a, k=k)) for a in alphabets for k in (1, 7, 300, 5000)),
    ]
    read = open_page().evaluate(
        "packed => import('/live.js').then(live => packed.map(text => live.decompressFromUTF16(text)))",
        [compress_to_utf16(text) for text in texts],
    )
    assert read == texts


def test_garbage_instead_of_a_compressed_text_is_an_error(open_page: Open) -> None:
    generator = random.Random(8)
    garbage = ["".join(chr(generator.randrange(0xD000)) for _ in range(k % 60)) for k in range(500)]
    script = """garbage => import('/live.js').then(live => garbage.map(text => {
        try { return typeof live.decompressFromUTF16(text) } catch (error) { return error.name }
    }))"""
    assert set(open_page().evaluate(script, garbage)) <= {"string", "RangeError"}


# -- the same words as in the terminal


def test_cells_are_written_as_the_terminal_writes_them(open_page: Open) -> None:
    values: list[Any] = [
        0, 1, -1, 1.5, 0.0001, -0.0001, 58.853, 59.9994, 59.9996, 92.981, 3599.9999, 3600, 36000.5, 185.25, 1e12,
        [93.412, "pb"], [23.4, "sb"], ["", ""], [], None, True, "2 laps", "  a \n b ", ["Conway", "gold"], ["X", "oak"],
        {"a": 1}, "\x1b[31m", "x" * 30,
    ]  # fmt: skip
    kinds = [kind for kind in Kind if kind is not Kind.STATE]
    asked = [[value, kind.value] for value in values for kind in kinds]
    script = "asked => import('/live.js').then(live => asked.map(([value, kind]) => live.cellOf(value, kind).text))"
    assert open_page().evaluate(script, asked) == [cell(value, kind).text for value in values for kind in kinds]


def test_times_are_written_as_the_terminal_writes_them(open_page: Open) -> None:
    seconds = [0.0, 0.9, 58.853, 59.9996, 61.0, 92.981, 3599.9, 3600.0, 86399.5, 90000.25]
    script = "seconds => import('/live.js').then(live => seconds.map(s => [live.clock(s), live.lapTime(s)]))"
    assert open_page().evaluate(script, seconds) == [[format_clock(s), format_lap_time(s)] for s in seconds]


# -- for everybody


def full_state() -> dict[str, Any]:
    """Everything that has a colour."""
    classes = [f"CLASS {letter}" for letter in "ABCDEFGH"]
    marks = ["", "old", "pb", "sb", "sb-new"]
    cars = [
        car(str(index + 1), list(CarState)[index % len(CarState)], classes[index % 8], [93.4, marks[index % 5]])
        for index in range(24)
    ]
    types = ["green", "yellow", "red", "white", "track", "code60", "pit", "out", "pb", "sb", "raceControl", ""]
    state = race(*cars)
    state["messages"] = [[1700000000, "Track", f"a message of type {type_}", type_] for type_ in types]
    state["highlight"] = [str(number) for number in range(1, 13)]
    return state


CONTRASTS = """() => {
  const parse = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => {
    const linear = (part) => (part <= 10.31 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4);
    const [x, y, z] = [r, g, b].map(linear);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (node) => {
    for (let each = node; each; each = each.parentElement) {
      const [r, g, b, alpha = 1] = parse(getComputedStyle(each).backgroundColor);
      if (alpha === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const poor = [];
  let seen = 0;
  for (const node of document.querySelectorAll("body *")) {
    const text = [...node.childNodes].filter((child) => child.nodeType === 3 && child.data.trim()).length > 0;
    if (!text || !node.checkVisibility()) continue;
    seen += 1;
    const [one, other] = [light(parse(getComputedStyle(node).color)), light(ground(node))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${node.outerHTML.slice(0, 120)}`);
  }
  return [seen, poor];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(put: Put, open_page: Open, scheme: str) -> None:
    service = put()
    service.publish(full_state())
    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    expect(page.locator("#air .leader")).to_have_text("1 Driver 1", timeout=WAIT)
    assert page.evaluate(CONTRASTS)[1] == []
    page.locator("#air a").click()
    expect(page.locator("#order tbody tr")).to_have_count(24)
    flag = page.locator("#service-flag")
    for status in FlagStatus:
        service.publish({**full_state(), "session": {"flagState": status.text, "timeElapsed": 1}})
        expect(flag).to_have_attribute("data-flag", status.text, timeout=WAIT)
        seen, poor = page.evaluate(CONTRASTS)
        assert seen > 200
        assert poor == []


@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_sticks_out_of_a_narrow_window(put: Put, open_page: Open, width: int) -> None:
    service = put(description="A race with a name that is far too long for the window " + "x" * 60)
    service.publish(full_state())
    page = open_page(viewport={"width": width, "height": 640})
    expect(page.locator("#air .leader")).to_have_text("1 Driver 1", timeout=WAIT)
    sticks_out = "document.documentElement.scrollWidth > innerWidth"
    assert not page.evaluate(sticks_out)
    page.locator("#air a").click()
    expect(page.locator("#order tbody tr")).to_have_count(24)
    assert not page.evaluate(sticks_out)


def test_the_page_is_used_without_a_mouse(put: Put, open_page: Open) -> None:
    service = put()
    service.publish(full_state())
    page = open_page(viewport={"width": 320, "height": 640})
    expect(page.locator("#air .leader")).to_have_text("1 Driver 1", timeout=WAIT)
    page.keyboard.press("Tab")
    expect(page.locator("#air a")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#service-title")).to_be_focused()
    page.keyboard.press("Tab")
    table = page.get_by_role("region", name="Running order")
    expect(table).to_be_focused()
    page.keyboard.press("ArrowRight")
    eventually(lambda: table.evaluate("node => node.scrollLeft") > 0, what="the table scrolls")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#overview")).to_be_visible()


def test_the_page_has_a_language_landmarks_and_one_main_heading(put: Put, open_page: Open) -> None:
    service = put()
    service.publish(race(car("7")))
    page = open_page()
    assert page.evaluate("document.documentElement.lang") == "en"
    expect(page.get_by_role("banner")).to_have_count(1)
    expect(page.get_by_role("main")).to_have_count(1)
    for name in ("On the air", "What comes next"):
        expect(page.get_by_role("region", name=name)).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    page.get_by_role("link", name="Test race").click()
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("navigation")).to_have_count(1)


def test_who_wants_no_motion_gets_none(put: Put, open_page: Open) -> None:
    service = put()
    service.publish(race(car("7")))
    page = open_page(f"#{service.uuid}", reduced_motion="reduce")
    expect(page.locator("#order tbody th")).to_have_text(["7"], timeout=WAIT)
    moving = "[...document.querySelectorAll('*')].filter(n => parseFloat(getComputedStyle(n).transitionDuration) > 0)"
    assert page.evaluate(f"{moving}.length") == 0


def test_without_javascript_the_page_says_what_it_needs(open_page: Open) -> None:
    assert "It needs JavaScript for that." in open_page(java_script_enabled=False).locator("main").inner_text()
