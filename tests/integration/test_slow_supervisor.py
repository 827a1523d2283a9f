"""supervisord hangs in the calls for one program: the others start and stop all the same."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.support.slow_supervisor import SlowSupervisor
from tests.support.system import RunningSystem, event
from tests.support.waiting import eventually

NOW, HOUR = timedelta(0), timedelta(hours=1)
HANGS, GOES_ON = "service-ticking", "service-simulated"


@pytest.fixture
def slow(running_system: RunningSystem) -> Iterator[SlowSupervisor]:
    """It hangs when `service-ticking` is to be started."""
    relay = SlowSupervisor(running_system.home / "run", lambda body: b"startProcess" in body and HANGS.encode() in body)
    yield relay
    relay.close()
    running_system.write_calendar()
    eventually(lambda: not {HANGS, GOES_ON} & {*running_system.status()}, within=40, what="all quiet")


def test_a_call_that_hangs_delays_no_other_start_and_no_stop(
    running_system: RunningSystem, slow: SlowSupervisor
) -> None:
    hanging = event("Hangs [ticking]", NOW, HOUR, uid="a@test")
    running_system.write_calendar(hanging)
    assert slow.hung.wait(20)
    running_system.write_calendar(hanging, event("Goes on [simulated, --cars 4]", NOW, HOUR, uid="b@test"))
    eventually(lambda: running_system.state_of(GOES_ON) == "RUNNING", within=10, what="the other one runs")
    assert running_system.state_of(HANGS) == "STOPPED"
    running_system.write_calendar(hanging)
    eventually(lambda: GOES_ON not in running_system.status(), within=10, what="the other one is gone")


def test_what_hung_is_started_when_supervisord_answers_again(
    running_system: RunningSystem, slow: SlowSupervisor
) -> None:
    running_system.write_calendar(event("Hangs [ticking]", NOW, HOUR))
    assert slow.hung.wait(20)
    slow.close()
    eventually(lambda: running_system.state_of(HANGS) == "RUNNING", within=30, what="it runs")
