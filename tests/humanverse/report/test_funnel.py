import pytest

from humanverse.dataset.status import Status
from humanverse.report import funnel
from schemas.ledger import REASONS


def _status(failed: dict[str, int], rejected: dict[str, int], kept: int, planned: int) -> Status:
    rows = kept + sum(failed.values()) + sum(rejected.values())
    return Status("x", 1, 2, rows, planned, kept, rejected, failed, {}, 0)


FOUND = _status(
    {"timeout": 7, "not_an_image": 3, "dns": 1}, {"opt_out": 2, "too_small": 5, "unsafe": 1, "duplicate": 4}, 10, 39
)


def test_every_step_leaves_what_the_one_before_left_less_its_losses() -> None:
    steps = funnel.steps(FOUND)
    assert [(step.label, step.left, step.lost) for step in steps] == [
        ("source rows", 39, 0),
        ("in the ledger", 33, 6),
        ("not opt_out", 31, 2),
        ("fetched", 23, 8),
        ("decoded", 20, 3),
        ("not duplicate", 16, 4),
        ("not too_small", 11, 5),
        ("not unsafe", 10, 1),
        ("kept", 10, 0),
    ]
    assert [step.label for step in steps if step.main] == ["source rows", "in the ledger", "fetched", "decoded", "kept"]


@pytest.mark.parametrize("planned", [33, 39, 999, 1000])
def test_every_share_is_that_of_its_count(planned: int) -> None:
    steps = funnel.steps(_status(FOUND.failed, FOUND.rejected, FOUND.kept, planned))
    assert [(step.left_share, step.lost_share) for step in steps] == [
        (step.left / planned, step.lost / planned) for step in steps
    ]


def test_a_reason_of_another_version_is_not_lost() -> None:
    steps = funnel.steps(_status({"solar_flare": 4}, {}, 6, 10))
    assert ("no other reason", 6, 4) in [(step.label, step.left, step.lost) for step in steps]
    assert funnel.reasons({"solar_flare": 4}, 10)[0].explanation == funnel.UNKNOWN


def test_an_empty_source_divides_by_nothing() -> None:
    steps = funnel.steps(_status({}, {}, 0, 0))
    assert {step.left for step in steps} == {0}
    assert {step.left_share for step in steps} == {None}


def test_reasons_are_sorted_and_explained() -> None:
    found = funnel.reasons({"dns": 1, "timeout": 7, "connect": 1}, 10)
    assert [(item.name, item.rows, item.width) for item in found] == [
        ("timeout", 7, 1.0),
        ("connect", 1, 1 / 7),
        ("dns", 1, 1 / 7),
    ]
    assert found[0].explanation == REASONS["timeout"]
    assert found[0].share == 0.7
    assert funnel.reasons({}, 0) == []
