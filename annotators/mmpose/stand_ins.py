"""Lets MMPose 1.3.2 be imported without the compiled operators of MMCV, and without MMDetection and xtcocotools.

MMPose imports them at its top, for models and datasets that are no top-down estimators: RTMO (``mmdet.utils``), ED-Pose
(``mmcv.ops``, which mmcv-lite has without its compiled part), and everything that reads annotations (``xtcocotools``, whose wheel
was built for numpy 1). MMEngine looks up where MMPose lies by ``pkg_resources``, which setuptools has no more. Here each of them
that cannot be imported is stood in for, and only while MMPose is being imported or reads a config: nothing of it is left for
others to find.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, distribution
from types import ModuleType, SimpleNamespace
from typing import Any


class Absent:
    """Stands for a class or function of a package that is not here."""

    def __init__(self, *args: Any, **named: Any) -> None:
        raise ImportError(
            f"{type(self).__name__} is of a package that is not installed, which top-down models do not need"
        )


def _lying(package: str) -> SimpleNamespace:
    """Where a package is installed, as ``pkg_resources.get_distribution`` says it."""
    return SimpleNamespace(location=str(distribution(package).locate_file("")))


CONTENTS: Mapping[str, Mapping[str, Any]] = {
    "mmcv.ops": {"MultiScaleDeformableAttention": Absent, "DeformConv2d": Absent},
    "mmcv.ops.multi_scale_deform_attn": {"MultiScaleDeformableAttention": Absent},
    "mmdet": {},
    "mmdet.utils": {"ConfigType": Any, "reduce_mean": Absent},
    "xtcocotools": {},
    "xtcocotools.coco": {"COCO": Absent},
    "xtcocotools.cocoeval": {"COCOeval": Absent},
    "xtcocotools.mask": {},
    "pkg_resources": {"get_distribution": _lying, "DistributionNotFound": PackageNotFoundError},
}
"""Module -> what is taken out of it; a package stands before what is in it."""


class _Finder(MetaPathFinder, Loader):
    """Finds stand-ins, with specs, so that ``find_spec`` and ``reload`` work on them as on other modules."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = frozenset(names)

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if name in self.names else None

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(CONTENTS[module.__name__])


@contextmanager
def standing_in() -> Iterator[None]:
    """While the block runs, all of ``CONTENTS`` can be imported; what could not be before cannot be afterwards."""
    finder = _Finder([name for name in CONTENTS if not _can_be_imported(name)])
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in finder.names:
            sys.modules.pop(name, None)


def _can_be_imported(name: str) -> bool:
    """Any exception counts: a library that was built for another numpy or MMCV ends with ValueError or AssertionError."""
    try:
        importlib.import_module(name)
    except Exception:
        return False
    return True
