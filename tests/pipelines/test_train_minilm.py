"""A sentence model from a package as the text encoder of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import yaml

from pipelines.train import folder_of, train
from tests.datasets import make_dataset
from tests.humanverse.training.tiny import SETTINGS

TEXTS = ["a woman in a red coat", "a man and a woman, both sitting on a bench in a park, seen from behind"]


@pytest.mark.slow
def test_minilm_is_trained_with_saved_and_loaded(tmp_path: Path) -> None:
    from humanverse.generation.sources import source_of
    from humanverse.models.pipelines.structural import StructuralPipeline

    make_dataset(tmp_path / "data", shards=1, per_shard=4)
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({**SETTINGS, "model": {**SETTINGS["model"], "text": "minilm"}, "samples": 8}))
    done = train("structure", str(tmp_path / "data"), tmp_path / "run", config)
    kept = json.loads((tmp_path / "run" / "settings.json").read_text())
    assert kept["model.text"] == "minilm", "a run says nothing of where things lie on this machine"
    pipeline = StructuralPipeline.from_pretrained(done.pipeline)
    told = pipeline.encode_prompt(TEXTS)
    assert told.shape == (2, 77, 384)
    assert pipeline.unet.config["unet"]["cross_attention_dim"] == 384
    words = pipeline.tokenizer(TEXTS[0], return_tensors="pt")
    with torch.no_grad():
        alone = pipeline.text_encoder(**words).last_hidden_state[0]
    torch.testing.assert_close(told[0, : len(alone)], alone, atol=1e-5, rtol=1e-4)
    checkpoint = str(tmp_path / "run" / "checkpoints" / f"{done.samples:012d}")
    again = source_of(checkpoint, "structure", folder_of).load(torch.device("cpu"))
    torch.testing.assert_close(again.encode_prompt(TEXTS), told)
