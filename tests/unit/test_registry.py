"""The directory's book."""

from orchestrator.manager.registry import Registry

A, B = "a" * 32, "b" * 32


def manifest(uuid: str, *, hidden: bool = False) -> dict[str, object]:
    return {"uuid": uuid, "hidden": hidden}


def test_services_are_listed_in_order_of_their_registration() -> None:
    registry = (
        Registry().registered(manifest(B), "services", trusted=False).registered(manifest(A), "services", trusted=False)
    )
    assert [listed["uuid"] for listed in registry.listing(include_hidden=False)] == [B, A]


def test_a_hidden_service_is_listed_only_for_who_may_know() -> None:
    registry = Registry().registered(manifest(A, hidden=True), "services", trusted=False)
    assert registry.listing(include_hidden=False) == []
    assert registry.listing(include_hidden=True) == [manifest(A, hidden=True)]


def test_a_uuid_stays_with_whoever_registered_it_first() -> None:
    registry = Registry().registered(manifest(A), "first", trusted=False)
    assert registry.registered(manifest(A, hidden=True), "second", trusted=False) is registry
    assert registry.owns("first", A)
    assert not registry.owns("second", A)


def test_one_of_our_own_takes_its_uuid_back() -> None:
    registry = Registry().registered(manifest(A), "outsider", trusted=False)
    assert registry.registered(manifest(A), "services", trusted=True).owns("services", A)


def test_a_service_is_dead_after_two_misses_in_a_row() -> None:
    registry = Registry().registered(manifest(A), "services", trusted=False).answered(A, alive=False)
    assert registry.dead() == []
    assert registry.answered(A, alive=True).answered(A, alive=False).dead() == []
    assert registry.answered(A, alive=False).dead() == [A]


def test_its_next_manifest_brings_it_back() -> None:
    registry = (
        Registry()
        .registered(manifest(A), "services", trusted=False)
        .answered(A, alive=False)
        .registered(manifest(A), "services", trusted=False)
    )
    assert registry.answered(A, alive=False).dead() == []


def test_who_leaves_is_not_listed() -> None:
    assert (
        Registry().registered(manifest(A), "services", trusted=False).without([A, B]).listing(include_hidden=True) == []
    )
