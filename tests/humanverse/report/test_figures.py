import math

from humanverse.dataset.stats import Series
from humanverse.report import figures
from humanverse.report.histogram import SHAPES


def _series(*values: float) -> Series:
    made = Series()
    for value in values:
        made.add(value)
    return made


def test_kinds_come_in_the_order_of_the_catalogue_and_unknown_ones_last() -> None:
    found = figures.groups(
        {"zeta/a.new_figure": _series(1), "pose/a.body_seen": _series(1), "image.width": _series(640)}, ["pose/a"]
    )
    assert [group.title for group in found] == ["pictures", "pose", "zeta"]
    assert found[2].charts[0].title == "new figure"


def test_several_layers_of_a_kind_are_shown_apart() -> None:
    series = {f"{layer}.{name}": _series(1) for name in ("feet_seen", "body_seen") for layer in ("pose/b", "pose/a")}
    found = figures.groups({**series, "safety/one.unsafe": _series(0.5)}, ["pose/a", "pose/b", "safety/one"])
    assert [group.title for group in found] == ["pose/a", "pose/b", "safety"]
    for group in found[:2]:
        assert [chart.title.partition(":")[0] for chart in group.charts] == ["body", "feet"]
        assert all("n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}1" in chart.histogram.summary for chart in group.charts)


def test_figures_without_finite_values_or_of_packing_are_left_out() -> None:
    series = {
        "depth/a.scale": _series(1),
        "quality/a.sharpness": _series(math.nan),
        "depth/a.minimum": _series(math.inf, 2),
    }
    found = figures.groups(series, [])
    assert [chart.title for group in found for chart in group.charts] == [figures.FIGURES["depth.minimum"].title]


def test_the_catalogue_names_shapes_that_exist() -> None:
    assert {figure.shape for figure in figures.FIGURES.values()} <= set(SHAPES)
