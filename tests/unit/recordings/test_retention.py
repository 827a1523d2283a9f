"""What retention lists and lets go, as rules: times, space, and nothing that was not listed before."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from orchestrator.recordings.retention import (
    AGE_NOTICE,
    SPACE_NOTICE,
    Expiring,
    Kept,
    Limits,
    Review,
    Why,
    review,
)

DAY = 86_400
NOW = 1_700_000_000.0
WEEK = Limits(keep_seconds=7 * DAY)


def kept(name: str, days_old: float, size: int = 100) -> Kept:
    end = int(NOW - days_old * DAY)
    return Kept(f"{name}.zip", name, end - 3600, end, size)


def names(expiring: tuple[Expiring, ...]) -> list[str]:
    return [each.filename.removesuffix(".zip") for each in expiring]


def listed(*names: str, why: Why = Why.AGE, ago: float = 2 * DAY) -> dict[tuple[str, Why], float]:
    return {(f"{name}.zip", why): NOW - ago for name in names}


NEW = kept("new", 0)


class TestByAge:
    def test_nothing_goes_without_a_limit(self) -> None:
        assert review([kept("a", 10_000), NEW], (), listed("a"), Limits(), 0, NOW) == Review()

    def test_it_is_listed_a_day_before_its_time(self) -> None:
        found = review([kept("a", 6.1), kept("b", 5.9), NEW], (), {}, WEEK, 0, NOW)
        assert names(found.expiring) == ["a"]
        assert found.going == ()
        assert found.expiring[0].due == NOW + DAY  # not in 0.9 days: it is listed only now

    def test_it_goes_when_its_time_has_come_and_it_has_been_listed_for_a_day(self) -> None:
        old = [kept("a", 7.1), NEW]
        assert names(review(old, (), listed("a", ago=DAY - 1), WEEK, 0, NOW).going) == []
        assert names(review(old, (), listed("a", ago=DAY), WEEK, 0, NOW).going) == ["a"]

    def test_listed_long_before_it_still_stays_until_its_time(self) -> None:
        found = review([kept("a", 6.5), NEW], (), listed("a", ago=30 * DAY), WEEK, 0, NOW)
        assert (names(found.expiring), found.going) == (["a"], ())
        assert found.expiring[0].due == NOW + DAY / 2

    def test_a_limit_that_is_new_deletes_nothing_for_a_day(self) -> None:
        archive = [kept(str(number), 1000 + number) for number in range(9)]
        found = review([*archive, NEW], (), {}, WEEK, 0, NOW)
        assert (len(found.expiring), found.going) == (9, ())

    def test_the_newest_stays_however_old_it_is(self) -> None:
        old = [kept("a", 1000), kept("b", 900)]
        assert names(review(old, (), listed("a", "b"), WEEK, 0, NOW).expiring) == ["a"]

    def test_one_whose_service_is_being_recorded_stays(self) -> None:
        assert review([kept("a", 1000), NEW], {"a"}, listed("a"), WEEK, 0, NOW) == Review()

    def test_a_list_of_the_future_counts_from_now(self) -> None:
        found = review([kept("a", 1000), NEW], (), listed("a", ago=-DAY), WEEK, 0, NOW)
        assert found.expiring[0].listed == NOW


class TestBySpace:
    LIMITS = Limits(keep_free=1000)
    OLD = (kept("a", 9), kept("b", 8), kept("c", 7), kept("d", 6), NEW)

    def test_nothing_is_listed_where_enough_is_free(self) -> None:
        assert review(self.OLD, (), {}, self.LIMITS, 1500, NOW) == Review()

    def test_the_oldest_are_listed_before_the_space_is_needed(self) -> None:
        found = review(self.OLD, (), {}, self.LIMITS, 1300, NOW)
        assert (names(found.expiring), found.going) == (["a", "b"], ())
        assert found.expiring[0].due is None

    def test_they_go_when_it_is_needed_until_there_is_enough(self) -> None:
        since = listed("a", "b", "c", "d", why=Why.SPACE, ago=SPACE_NOTICE)
        assert names(review(self.OLD, (), since, self.LIMITS, 850, NOW).going) == ["a", "b"]

    def test_who_has_not_been_listed_for_ten_minutes_stays(self) -> None:
        since = listed("a", "b", why=Why.SPACE, ago=SPACE_NOTICE - 1)
        assert review(self.OLD, (), since, self.LIMITS, 0, NOW).going == ()

    def test_the_newest_stays_though_the_space_is_needed(self) -> None:
        since = listed("a", "b", "c", "d", "new", why=Why.SPACE)
        assert names(review(self.OLD, (), since, self.LIMITS, 0, NOW).going) == ["a", "b", "c", "d"]

    def test_one_whose_service_is_being_recorded_stays_and_the_next_goes_for_it(self) -> None:
        since = listed("a", "b", why=Why.SPACE)
        assert names(review(self.OLD, {"a"}, since, self.LIMITS, 950, NOW).going) == ["b"]

    def test_being_listed_for_the_age_is_not_being_listed_for_the_space(self) -> None:
        assert review(self.OLD, (), listed("a"), self.LIMITS, 0, NOW).going == ()

    def test_what_goes_for_its_age_makes_space_first(self) -> None:
        both = Limits(keep_seconds=8.5 * DAY, keep_free=1000)
        since = listed("a") | listed("a", "b", why=Why.SPACE)
        assert names(review(self.OLD, (), since, both, 950, NOW).going) == ["a"]


class Season(RuleBasedStateMachine):
    """Recordings come, time passes, space comes and goes, and the list is sometimes lost."""

    @initialize(days=st.none() | st.integers(1, 30), free=st.none() | st.integers(1, 3000))
    def choose(self, days: int | None, free: int | None) -> None:
        self.limits = Limits(None if days is None else days * float(DAY), free)
        self.there: dict[str, Kept] = {}
        self.free = 5000
        self.now = NOW
        self.on_air: set[str] = set()
        self.written: dict[tuple[str, Why], float] = {}
        self.first_told: dict[str, float] = {}  # since when each was continuously listed, by our own book
        self.count = 0

    @rule(days_ago=st.integers(0, 60), size=st.integers(1, 500))
    def finish_one(self, days_ago: int, size: int) -> None:
        self.count += 1
        end = int(self.now) - days_ago * DAY
        one = Kept(f"{self.count}.zip", str(self.count), end - 60, end, size)
        self.there[one.filename] = one
        self.free -= size

    @rule(hours=st.sampled_from([0.01, 0.2, 1, 5, 12, 25, 24 * 8]))
    def wait(self, hours: float) -> None:
        self.now += hours * 3600

    @rule(change=st.integers(-800, 800))
    def others_write(self, change: int) -> None:
        self.free += change

    @rule(number=st.integers(1, 20), on=st.booleans())
    def go_on_air(self, number: int, on: bool) -> None:
        (self.on_air.add if on else self.on_air.discard)(str(number))

    @rule()
    def lose_the_list(self) -> None:
        self.written = {}

    @rule()
    def look(self) -> None:
        newest = max(self.there.values(), key=lambda each: (each.start, each.filename), default=None)
        found = review(self.there.values(), self.on_air, self.written, self.limits, max(0, self.free), self.now)
        listed_now = {each.filename for each in found.expiring}
        for each in found.going:
            one = self.there[each.filename]
            assert each in found.expiring
            assert newest is not None
            assert one.filename != newest.filename
            assert one.uuid not in self.on_air
            notice = AGE_NOTICE if each.why is Why.AGE else SPACE_NOTICE
            assert self.now - self.first_told[each.filename] >= notice
            if each.why is Why.AGE:
                assert self.limits.keep_seconds is not None
                assert self.now - one.end >= self.limits.keep_seconds
            else:
                assert self.limits.keep_free is not None
                assert self.free < self.limits.keep_free
        self.written = {(each.filename, each.why): each.listed for each in found.expiring}
        self.first_told = {name: self.first_told.get(name, self.now) for name in listed_now}
        for each in found.going:
            self.free += self.there.pop(each.filename).size

    @invariant()
    def enough_stays(self) -> None:
        if getattr(self, "count", 0):
            assert self.there


def test_over_a_season_nothing_goes_too_early_or_untold() -> None:
    run_state_machine_as_test(Season, settings=settings(max_examples=150, stateful_step_count=40, deadline=None))


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 300)), max_size=12),
    st.integers(0, 3000),
    st.integers(1, 2000),
)
def test_no_more_goes_for_the_space_than_is_needed(ages: list[tuple[int, int]], free: int, keep: int) -> None:
    there = [kept(str(number), days, size) for number, (days, size) in enumerate(ages)]
    since = {(each.filename, Why.SPACE): NOW - DAY for each in there}
    going = {each.filename for each in review(there, (), since, Limits(keep_free=keep), free, NOW).going}
    sizes = [
        each.size for each in sorted(there, key=lambda each: (each.start, each.filename)) if each.filename in going
    ]
    assert not sizes or free + sum(sizes[:-1]) < keep
