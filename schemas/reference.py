"""The reference of all recipe settings, as ``docs/recipe.md`` has it: ``python -m schemas.reference > docs/recipe.md``."""

from __future__ import annotations

import json
import sys

from pydantic import BaseModel

from schemas.recipe import (
    FETCH_PACE,
    PRESETS,
    BlockSettings,
    FetchSettings,
    GateSettings,
    ImageSettings,
    Img2datasetSettings,
    Resources,
    SourceSettings,
    StageResources,
    preset_text,
)
from schemas.recipe_outpaint import OutpaintSettings

_HEAD = """# The recipe

A recipe is a YAML file that is laid on a preset: `humanverse build urls.parquet people/ --recipe recipe.yaml`. What it does
not name stays as in the preset; an unknown name is an error. The recipe as resolved is written into the dataset, and a build that
goes on must have the same. `resources` may differ, and of `fetch` {pace}:
they do not decide what is written. `block` may differ, too: lists may grow while a build goes on.

```yaml
preset: lite                     # the default; or paper, or modern
gate: {max_people: 1}
annotators:
  text: null                     # leave a layer out
  person: {name: ssd-mobilenet-v2, settings: {min_score: 0.3}}
  depth: [omnidata, midas-dpt]   # two layers of one kind
  caption:
    - florence-2
    - {name: qwen-vl, layer: german, settings: {language: de}, weights: models/qwen3-vl-2b}
```

`annotators` maps kinds of layers to annotators; `humanverse annotators KIND` lists those of a kind, `KIND=NAME` shows one with
its settings. `person` must be there, since the gate counts people with it. Of a list, the first is the one that the gate, other
annotators and reports read; the others stand beside it. `layer` names a layer, where it is not to have its annotator's name.
`weights` stand in for the annotator's own (see [layers](layers.md); the command line says it with `--weights KIND=…`, or
`--weights KIND/LAYER=…`). A build that goes on may find them elsewhere: their SHA-256 must be the same.
"""
_SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("source", SourceSettings),
    ("fetch", FetchSettings),
    ("fetch.img2dataset", Img2datasetSettings),
    ("image", ImageSettings),
    ("gate", GateSettings),
    ("block", BlockSettings),
    ("outpaint", OutpaintSettings),
    ("resources.gate, resources.annotate", StageResources),
    ("resources", Resources),
)


def _table(model: type[BaseModel]) -> str:
    lines = ["| setting | default | meaning |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        default = field.get_default()
        if isinstance(default, BaseModel):
            continue
        shown = "must be given" if field.is_required() else f"`{json.dumps(default, ensure_ascii=False)}`"
        lines.append(f"| `{name}` | {shown} | {field.description or ''} |")
    return "\n".join(lines)


def reference() -> str:
    """The whole page, Markdown."""
    parts = [_HEAD.replace("{pace}", ", ".join(f"`{name}`" for name in FETCH_PACE))]
    for name, model in _SECTIONS:
        parts.append(f"## {name}\n\n{' '.join((model.__doc__ or '').split())}\n\n{_table(model)}\n")
    parts += [f"## The {name} preset\n\n```yaml\n{preset_text(name).strip()}\n```\n" for name in PRESETS]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(reference())
