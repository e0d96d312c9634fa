import platform
import subprocess
import sys

import pytest

COUNT_FAULTS = """
import resource, sys
import numpy as np
from humanverse.memory import keep_freed
if sys.argv[1] == "keep":
    assert keep_freed()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for turn in range(2):
    before = faults()
    for _ in range(50):
        blocks = [np.ones(6_000_000, np.uint8) for _ in range(6)]
        del blocks
print(faults() - before)
"""


def page_faults(way):
    command = [sys.executable, "-c", COUNT_FAULTS, way]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")
def test_memory_that_was_freed_is_not_mapped_anew():
    assert page_faults("keep") < page_faults("usual") / 10
