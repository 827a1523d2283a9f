"""A race that happens: each event of the timeline changes cars, order, best times and flag.

Cars are ordered by the timing lines they have passed, and by who passed the last of them first. `changed` collects the
cars whose rows are to be made anew, so that a moment in which nothing happens costs next to nothing.
"""

from bisect import bisect_left, bisect_right

from livetiming.chrono.model import Chrono, Entry, Lap
from livetiming.chrono.timeline import Event, What, timeline
from livetiming.racing import CarState, FlagStatus

FRESH = 10.0  # seconds for which a session best is marked as new
_OUT_OF_THE_RACE = frozenset({CarState.RETIRED, CarState.STOP, CarState.FINISHED})
_COMMON_LINES = 30  # how far back two cars' last common line is looked for

Gap = float | str


class Car:
    """One car at this moment."""

    __slots__ = (
        "best", "best_sectors", "driver", "entry", "gap", "index", "interval", "lap_of_sector", "laps", "last",
        "lines", "pits", "place", "place_in_class", "sectors", "state", "times",
    )  # fmt: skip

    def __init__(self, index: int, entry: Entry, sectors: int) -> None:
        self.index = index
        self.entry = entry
        self.state = CarState.NOT_STARTED
        self.driver = entry.laps[0].driver if entry.laps else ""
        self.laps = 0
        self.pits = 0
        self.last: Lap | None = None  # the last completed lap
        self.best: Lap | None = None
        self.sectors: list[Lap | None] = [None] * sectors  # the lap to which each sector's time belongs
        self.best_sectors: list[float | None] = [None] * sectors
        self.lap_of_sector = 0  # the number of the lap whose sectors are current
        self.lines: list[int] = []  # the timing lines passed: finish lines are multiples of the sectors of a lap
        self.times: list[float] = []  # when
        self.place = 0
        self.place_in_class = 0
        self.gap: Gap = ""
        self.interval: Gap = ""

    @property
    def standing(self) -> tuple[int, float]:
        """The less, the farther in front."""
        return (-self.lines[-1], self.times[-1]) if self.lines else (0, 0.0)

    def lines_at(self, time: float) -> int:
        """Timing lines passed at that time."""
        passed = bisect_right(self.times, time)
        return self.lines[passed - 1] if passed else 0

    def time_at(self, line: int) -> float | None:
        """When that line was passed."""
        index = bisect_left(self.lines, line)
        return self.times[index] if index < len(self.lines) and self.lines[index] == line else None


class Race:
    """The race `chrono` tells of, as of the last `advance`."""

    def __init__(self, chrono: Chrono) -> None:
        self.chrono = chrono
        self.timeline = timeline(chrono)
        self.cars = [Car(index, entry, self.timeline.sectors) for index, entry in enumerate(chrono.entries)]
        self.order = [self.cars[index] for index in self.timeline.grid]
        self.flag = FlagStatus.NONE
        self.over = False
        self.best: tuple[Lap, Car] | None = None
        self.best_sectors: list[tuple[float, Car] | None] = [None] * self.timeline.sectors
        self.changed: set[int] = set(range(len(self.cars)))
        self.fresh_until: float | None = None  # how long the best lap is marked as new
        self._next = 0
        self._lines = self.timeline.sectors
        self._place_all()

    def advance(self, to: float) -> None:
        """Let everything happen until second `to`; never backwards."""
        events = self.timeline.events
        while self._next < len(events) and events[self._next].at <= to:
            event = events[self._next]
            self._next += 1
            self._fade(event.at)
            self._happen(event)
        self._fade(to)

    def _happen(self, event: Event) -> None:
        if event.what is What.START:
            self._start()
        elif event.what is What.END:
            self._end()
        else:
            car = self.cars[event.car]
            self.changed.add(car.index)
            if event.driver:
                car.driver = event.driver
            if event.lap is not None:
                self._pass(car, event, event.lap)
            else:
                self._set_state(car, event.what)

    # -- one event

    def _start(self) -> None:
        self.flag = self.timeline.first_flag
        for car in self.cars:
            if car.entry.laps:
                car.state = CarState.RUN
                self.changed.add(car.index)

    def _end(self) -> None:
        self.over = True
        if self.timeline.chequered is not None and self.chrono.official:
            places = {number: place for place, number in enumerate(self.chrono.official)}
            self.order.sort(key=lambda car: places.get(car.entry.number, len(places)))
        self._place_all()

    def _set_state(self, car: Car, what: What) -> None:
        if what is What.PIT_IN:
            car.state = CarState.PIT
            car.pits += 1
        elif what is What.PIT_OUT:
            car.state = CarState.OUT
        elif what is What.STOPPED:
            car.state = CarState.STOP
        elif what is What.RETIRED:
            car.state = CarState.RETIRED
        self._measure(car)

    def _pass(self, car: Car, event: Event, lap: Lap) -> None:
        """A timing line is passed."""
        if car.state is CarState.STOP:
            car.state = CarState.RUN
        finish = event.what is What.LINE
        if finish:
            self._complete(car, lap)
        elif lap.sectors[event.sector] is not None:
            self._sector(car, lap, event.sector)
        line = lap.number * self._lines if finish else (lap.number - 1) * self._lines + event.sector + 1
        if not car.lines or line > car.lines[-1]:
            car.lines.append(line)
            car.times.append(event.at)
            self._move_up(car)

    def _complete(self, car: Car, lap: Lap) -> None:
        if lap.flag is not None:
            self.flag = lap.flag
        elif not self.chrono.tells_flags and self.timeline.chequered == lap.ends:
            self.flag = FlagStatus.CHEQUERED
        if self.timeline.chequered is not None and lap.ends >= self.timeline.chequered:
            car.state = CarState.FINISHED
        elif car.state is CarState.OUT:
            car.state = CarState.RUN
        for sector, time in enumerate(lap.sectors):
            if time is not None and car.sectors[sector] is not lap:
                self._sector(car, lap, sector)
        car.laps, car.last = lap.number, lap
        if lap.time is None or not lap.counts:
            return
        if car.best is None or car.best.time is None or lap.time < car.best.time:
            car.best = lap
        if self.best is None or self.best[0].time is None or lap.time < self.best[0].time:
            if self.best is not None:
                self.changed.add(self.best[1].index)
            self.best = (lap, car)
            self.fresh_until = lap.ends + FRESH

    def _sector(self, car: Car, lap: Lap, sector: int) -> None:
        time = lap.sectors[sector]
        car.sectors[sector] = lap
        car.lap_of_sector = lap.number
        if time is None or not lap.sector_counts(sector):
            return
        own, best = car.best_sectors[sector], self.best_sectors[sector]
        if own is None or time < own:
            car.best_sectors[sector] = time
        if best is None or time < best[0]:
            if best is not None:
                self.changed.add(best[1].index)
            self.best_sectors[sector] = (time, car)

    def _fade(self, now: float) -> None:
        """A best lap is not new for ever."""
        if self.fresh_until is not None and self.best is not None and now > self.fresh_until:
            self.fresh_until = None
            self.changed.add(self.best[1].index)

    # -- the order, and how far apart cars are

    def _move_up(self, car: Car) -> None:
        order, place = self.order, car.place
        standing = car.standing
        while place > 0 and standing < order[place - 1].standing:
            passed = order[place - 1]
            order[place], passed.place = passed, place
            if passed.entry.class_name == car.entry.class_name:
                passed.place_in_class, car.place_in_class = car.place_in_class, passed.place_in_class
            self.changed.add(passed.index)
            place -= 1
        order[place], moved = car, car.place - place
        car.place = place
        if place == 0:  # everybody is measured against the leader
            for other in order:
                self._measure(other)
            return
        for other in order[place : place + moved + 2]:
            self._measure(other)

    def _place_all(self) -> None:
        counts: dict[str, int] = {}
        for place, car in enumerate(self.order):
            counts[car.entry.class_name] = counts.get(car.entry.class_name, 0) + 1
            if (car.place, car.place_in_class) != (place, counts[car.entry.class_name]):
                car.place, car.place_in_class = place, counts[car.entry.class_name]
                self.changed.add(car.index)
        for car in self.order:
            self._measure(car)

    def _measure(self, car: Car) -> None:
        place = car.place
        gap = self._behind(self.order[0], car) if place else ""
        interval = "" if not place else gap if place == 1 else self._behind(self.order[place - 1], car)
        if gap != car.gap or interval != car.interval:
            car.gap, car.interval = gap, interval
            self.changed.add(car.index)

    def _behind(self, front: Car, car: Car) -> Gap:
        """Seconds at the last line that both have passed, or whole laps; "" where it cannot be said.

        Laps are those at the car's last line, or those that the front car has gained since: of these the car may be
        about to make up one line, unless it is not on the move any more.
        """
        if not car.lines or not front.lines:
            return ""
        line, at = car.lines[-1], car.times[-1]
        allowed = 0 if car.state in _OUT_OF_THE_RACE else 1
        down = max(front.lines_at(at) - line, front.lines[-1] - line - allowed) // self._lines
        if down > 0:
            return "1 lap" if down == 1 else f"{down} laps"
        for line, at in zip(car.lines[:-_COMMON_LINES:-1], car.times[:-_COMMON_LINES:-1], strict=True):
            then = front.time_at(line)
            if then is not None:
                return round(at - then, 3) if at >= then else ""
        return ""
