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
        {"zeta.new_figure": _series(1), "pose.body_seen": _series(1), "image.width": _series(640)}, ["pose/a"]
    )
    assert [group.title for group in found] == ["pictures", "pose", "zeta"]
    assert found[2].charts[0].title == "new figure"


def test_several_layers_of_a_kind_are_said_to_be_together() -> None:
    found = figures.groups({"pose.body_seen": _series(1)}, ["pose/a", "pose/b"])
    assert "2 layers of this kind are counted together" in found[0].note


def test_figures_without_finite_values_or_of_packing_are_left_out() -> None:
    series = {"depth.scale": _series(1), "quality.sharpness": _series(math.nan), "depth.minimum": _series(math.inf, 2)}
    found = figures.groups(series, [])
    assert [chart.title for group in found for chart in group.charts] == [figures.FIGURES["depth.minimum"].title]


def test_the_catalogue_names_shapes_that_exist() -> None:
    assert {figure.shape for figure in figures.FIGURES.values()} <= set(SHAPES)
