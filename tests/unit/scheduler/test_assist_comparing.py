"""What has to be done so that our calendar has the copies, whatever happened to it before."""

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.scheduler.assist.comparing import compare
from orchestrator.scheduler.assist.model import (
    Action,
    Copy,
    Create,
    Delete,
    Found,
    Ours,
    Skip,
    Update,
    Window,
    Written,
    digest,
    key_of,
    written_text,
    written_value,
)

WINDOW = Window(0, 1000)
ORIGIN = "here"


def copy_of(instance: str, start: int = 100, end: int = 200, name: str = "Spa") -> Copy:
    return Copy(key_of(instance), name, "wec", (), start, end)


def ours_of(copy: Copy, *, origin: str = ORIGIN, keeps_written: bool = True) -> Ours:
    return Ours(copy.key, copy.title, copy.start, copy.end, origin, copy.written if keeps_written else None)


def compared(
    wanted: list[Copy], ours: list[Ours], remembered: dict[str, Written] | None = None, *, delete: bool = False
) -> list[Action]:
    present = [copy.key for copy in wanted]
    return compare(wanted, present, Found(tuple(ours), remembered or {}), ORIGIN, WINDOW, delete=delete)


def test_what_we_do_not_have_is_made() -> None:
    assert compared([copy_of("a")], []) == [Create(copy_of("a"), "new")]


def test_what_is_as_it_should_be_is_left_alone() -> None:
    assert compared([copy_of("a")], [ours_of(copy_of("a"))]) == []


def test_what_lies_beyond_the_window_is_not_made() -> None:
    assert compared([copy_of("a", 1000, 1100), copy_of("b", -100, 0)], []) == []


def test_what_we_have_is_moved_out_of_the_window_too() -> None:
    (update,) = compared([copy_of("a", 5000, 5100)], [ours_of(copy_of("a"))])
    assert isinstance(update, Update)
    assert (update.start, update.end, update.why) == (5000, 5100, "moved")


def test_only_what_changed_in_the_source_is_written() -> None:
    by_hand = replace(ours_of(copy_of("a")), title="mine [wec]", end=900)
    assert compared([copy_of("a")], [by_hand]) == []
    (update,) = compared([copy_of("a", start=150)], [by_hand])
    assert isinstance(update, Update)
    assert (update.start, update.end, update.retitles) == (150, 900, False)


def test_a_change_by_hand_that_is_overwritten_is_told() -> None:
    by_hand = replace(ours_of(copy_of("a")), title="mine [wec]")
    (update,) = compared([copy_of("a", name="Le Mans")], [by_hand])
    assert update.why == "retitled; what was changed by hand in ours is overwritten"


def test_a_time_changed_by_hand_that_no_longer_fits_gives_way() -> None:
    by_hand = replace(ours_of(copy_of("a", 100, 200)), end=150)
    (update,) = compared([copy_of("a", 180, 200)], [by_hand])
    assert isinstance(update, Update)
    assert (update.start, update.end) == (180, 200)


def test_what_was_written_is_remembered_where_the_event_has_lost_it() -> None:
    copy = copy_of("a")
    lost = replace(ours_of(copy, keeps_written=False), title="mine [wec]")
    assert compared([copy], [lost], {copy.key: copy.written}) == []
    (update,) = compared([copy], [lost])
    assert isinstance(update, Update)
    assert update.retitles


def test_what_was_removed_by_hand_is_made_again_only_when_its_source_changed() -> None:
    copy = copy_of("a")
    (skip,) = compared([copy], [], {copy.key: copy.written})
    assert isinstance(skip, Skip)
    assert not skip.wrong
    (create,) = compared([copy_of("a", start=150)], [], {copy.key: copy.written})
    assert isinstance(create, Create)


def test_what_is_gone_is_told_and_removed_only_if_asked_to() -> None:
    ours = ours_of(copy_of("a"))
    (skip,) = compared([], [ours])
    assert isinstance(skip, Skip)
    assert skip.wrong
    (delete,) = compared([], [ours], delete=True)
    assert isinstance(delete, Delete)


def test_copies_of_another_source_and_those_that_are_over_are_not_gone() -> None:
    other, over = ours_of(copy_of("a"), origin="elsewhere"), ours_of(copy_of("b", -200, -100))
    assert compared([], [other, over], delete=True) == []


def test_what_was_written_survives_being_kept_in_an_event() -> None:
    written = copy_of("a").written
    assert written_value(written_text(written)) == written
    assert written_value("1 2 nonsense") is None


# -- any history


@dataclass
class World:
    """The source, our calendar, and what we remember, as runs and people change them."""

    source: dict[str, Copy] = field(default_factory=dict)
    ours: dict[str, Ours] = field(default_factory=dict)
    remembered: dict[str, Written] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)  # by hand

    def actions(self, *, delete: bool) -> list[Action]:
        wanted = list(self.source.values())
        found = Found(tuple(self.ours.values()), dict(self.remembered))
        self.remembered |= {each.key: each.written for each in found.ours if each.written}
        return compare(wanted, [copy.key for copy in wanted], found, ORIGIN, WINDOW, delete=delete)

    def do(self, action: Action, *, killed: bool = False) -> None:
        """What a run does; `killed` before it could remember."""
        match action:
            case Create(copy=copy):
                assert copy.key not in self.ours
                self.ours[copy.key] = ours_of(copy)
            case Update(ours=have, copy=copy):
                assert self.ours[copy.key] == have
                assert action.end >= action.start
                title = copy.title if action.retitles else have.title
                self.ours[copy.key] = replace(ours_of(copy), title=title, start=action.start, end=action.end)
            case Delete(ours=have):
                del self.ours[have.key]
                if not killed:
                    self.remembered.pop(have.key, None)
                return
            case Skip():
                return
        if not killed:
            self.remembered[action.copy.key] = action.copy.written


INSTANCES = st.sampled_from("ab")
TIMES = st.sampled_from([1, 50, 100, 150])  # few, so that a change is often of one end alone
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("source"), INSTANCES, TIMES, TIMES, st.sampled_from(["Spa", "Fuji"])),
        st.tuples(st.just("gone"), INSTANCES),
        st.tuples(st.just("by hand"), INSTANCES, TIMES, TIMES),
        st.tuples(st.just("removed"), INSTANCES),
        st.tuples(st.just("run"), st.booleans(), st.integers(0, 4)),  # --delete, killed after so many actions
    ),
    max_size=25,
)


@settings(max_examples=400)
@given(STEPS)
def test_any_history_ends_as_the_source_has_it_but_for_changes_by_hand(steps: list[tuple[object, ...]]) -> None:
    world, by_hand = World(), set[str]()
    for step in steps:
        match step:
            case ("source", str(name), int(start), int(length), str(title)):
                world.source[name] = copy_of(name, start, start + length, title)
            case ("gone", str(name)):
                world.source.pop(name, None)
            case ("by hand", str(name), int(start), int(length)) if key_of(name) in world.ours:
                key = key_of(name)
                world.ours[key] = replace(world.ours[key], start=start, end=start + length)
                by_hand.add(key)
            case ("removed", str(name)):
                world.ours.pop(key_of(name), None)
                by_hand.add(key_of(name))
            case ("run", bool(delete), int(killed_after)):
                for number, action in enumerate(world.actions(delete=delete)[: killed_after + 1]):
                    world.do(action, killed=number == killed_after)
            case _:
                pass
    for action in world.actions(delete=True):
        world.do(action)
    assert not [action for action in world.actions(delete=True) if not isinstance(action, Skip)]
    wanted = {copy.key: copy for copy in world.source.values()}
    assert world.ours.keys() <= wanted.keys()
    assert wanted.keys() - world.ours.keys() <= by_hand
    for key, ours in world.ours.items():
        assert digest(ours.title) == digest(wanted[key].title)
        assert key in by_hand or (ours.start, ours.end) == (wanted[key].start, wanted[key].end)
