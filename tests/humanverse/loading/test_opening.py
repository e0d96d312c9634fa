"""Loaders in several processes of ``torch.distributed``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from tests.humanverse.loading.opened import loader, people, taken, uids

PROCESS = """
import json, sys
from torch import distributed
from tests.humanverse.loading.opened import loader, taken, uids
url, folder, rank = sys.argv[1:]
distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=int(rank), world_size=2)
given = loader(url, index=f"{folder}/samples.npz", epochs=1)
print(json.dumps([given.digest, uids(taken(given)), given.state_dict()]))
distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_processes_share_the_batches_that_one_would_have(tmp_path: Path) -> None:
    url = people(tmp_path)
    folder = str(tmp_path)
    command = [sys.executable, "-c", PROCESS, url, folder]
    started = [Popen([*command, str(rank)], stdout=PIPE, cwd=Path(__file__).parents[3]) for rank in (0, 1)]
    said = [json.loads(process.communicate(timeout=300)[0]) for process in started]
    alone = loader(url, index=f"{folder}/samples.npz", epochs=1)
    whole = uids(taken(alone))
    assert {digest for digest, _, _ in said} == {alone.digest}
    assert [said[number % 2][1][number // 2] for number in range(len(whole))] == whole
    assert said[0][2] == said[1][2] == alone.state_dict()
