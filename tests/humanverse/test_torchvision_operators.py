"""torchvision beside a torch that it was not built for: it is imported, its transforms work, and what fits is left alone."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
from humanverse.torchvision_operators import own_operators_load, prepare_torchvision
prepare_torchvision()
prepare_torchvision()
import torch
import torchvision
from torchvision.transforms.v2 import functional
small = functional.resize(torch.arange(48.0).reshape(3, 4, 4), [2, 2], antialias=True)
assert small.shape == (3, 2, 2) and abs(float(small[0].mean()) - 7.5) < 1e-3
boxes = torch.tensor([[0.0, 0, 2, 2]])
try:
    kept = torchvision.ops.nms(boxes, torch.ones(1), 0.5)
except Exception:
    assert not own_operators_load()
else:
    assert own_operators_load() and kept.tolist() == [0]
print("done")
"""


def test_torchvision_is_imported_in_a_fresh_process() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.stdout == "done\n", done.stderr
