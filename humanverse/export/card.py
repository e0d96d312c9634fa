"""The dataset card (README.md) of an export for Hugging Face: what it is, how it was made, what one should know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import yaml
from jinja2 import Environment, StrictUndefined

import humanverse
from humanverse.dataset import view_counts
from humanverse.dataset.merges import read_merges
from humanverse.dataset.status import status
from humanverse.export.base import Plan, Totals
from humanverse.export.features import card_features
from humanverse.export.reading import BLUR_READS
from humanverse.plurals import plural, word
from humanverse.report import funnel
from schemas.layers import KINDS, OK
from schemas.provenance import model_of

TASKS = {
    "pose": "keypoint-detection",
    "person": "object-detection",
    "depth": "depth-estimation",
    "segmentation": "image-segmentation",
    "caption": "image-to-text",
}
"""Kinds of layers -> the hub's category of the task that they serve."""
_EVERY_TASK = "unconditional-image-generation"
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_SIZES_ABOVE = ((10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"), (1_000_000_000, "100M<n<1B"))
_SOURCE_OF_URLS = "table"
"""The kind of source whose pictures are fetched from servers."""
_TOLD = ("source", "image", "gate", "annotators")
"""Sections of the recipe that say what was kept and made of it."""

_TEMPLATE = """---
{{ head }}---

# Photographs of people

{{ pictures }}, each with its source's alt text{% if layers %} and what estimators say about \
it{% endif %}. Exported from the dataset `{{ source }}` by {{ code }}\
{% if settings.view %}, those that the view `{{ settings.view }}` has{% endif %}.

```python
from datasets import load_dataset

people = load_dataset("path/to/this/folder", split="train")
people[0]["image"], people[0]["caption"]
```

`image` is the picture; `uid` identifies it (the first 128 bits, in hex, of the SHA-256 of the bytes as downloaded); `url` is
where it came from; `caption` is the alt text there. Per layer there is a struct `layer_<kind>` with `status` (`ok`, `failed` or
`unavailable`) and, where it is not `ok`, a `reason`; and `map_<kind>` for dense maps. Coordinates are pixels of the picture,
(0, 0) its top left corner; boxes are (x0, y0, x1, y1). `croissant.json` describes the same for other tools.

## How it was made

| | rows | of the source |
|---|---:|---:|
{% for step in steps -%}
| {{ step.label }} | {{ step.left }} | {{ "%.1f %%" | format(100 * step.left_share) if step.left_share is not none else "-" }} |
{% endfor %}
Of these, {{ totals.samples }} {{ are }} here: those that were removed since are not\
{% if totals.left_out %}, nor {{ totals.left_out }} of which nothing is known about where faces are{% endif %}.\
{% if pins %} The view also says which layers are read: {{ pins }}.{% endif %}


The settings that decided what was kept:

```yaml
{{ recipe }}```

{% if layers %}## Layers

| layer | model | licence of the model | version | fingerprint |
|---|---|---|---|---|
{% for layer in layers -%}
| `{{ layer.name }}` | {{ layer.model }} | {{ layer.licence }} | {{ layer.version }} | `{{ layer.fingerprint }}` |
{% endfor %}
The fingerprint is a hash over annotator, model, weights and settings.{{ truth }} Nothing else here was checked by people.

{% endif %}## Rights, and how to have a picture removed

The pictures belong to their authors; a URL on the web is no licence. `license: {{ settings.licence }}` is what the publisher of
this export states about it as a whole.{% if opt_out %} Servers that asked not to be used for machine learning, by `X-Robots-Tag`
or `TDM-Reservation`, were not used.{% endif %} Whoever wants a picture removed names its URL or `uid` to the publisher; it is
marked as removed in the source dataset, and exporting again deletes it from here.

## Limits

- Estimators are wrong at times, and more often about some people than about others; their rows are no ground truth.
- The list of URLs decides whom the pictures show. They are no fair sample of people, places or occasions.
{% if blurred -%}
- Faces of people whom the {{ blurred }} found are blurred. Those of others (small, in mirrors, on posters) are not, and clothes,
  places, alt texts and URLs may tell who someone is. Do not use the pictures to identify anyone.
{% else -%}
- People are recognisable. Do not use the pictures to identify anyone.
{% endif %}"""


def _size(samples: int) -> str:
    return next((name for most, name in (*_SIZES, *_SIZES_ABOVE) if samples < most), "n>1T")


def _speaking(plan: Plan, shards: Sequence[int]) -> set[str]:
    """The kinds of layers that serve a task and say something about a sample; stops reading when that is all."""
    silent, found = {kind for kind in plan.kinds if kind in TASKS}, set()
    for shard in shards:
        if not silent:
            break
        part = plan.selection.read(shard, ["row"])
        for kind in sorted(silent):
            if pc.any(pc.equal(part.layer(plan.layers[kind], ["status"]).column("status"), OK)).as_py():
                found.add(kind)
        silent -= found
    return found


def _servers_were_asked(plan: Plan) -> bool:
    """Whether all that is in the dataset was fetched from servers, and with respect for their refusals."""
    merges = read_merges(plan.dataset.store)
    kinds = {plan.dataset.source.get("kind"), *(one.source.get("kind") for one in merges)}
    otherwise = any(text.startswith("fetch.opt_out") for one in merges for text in one.recipe)
    return plan.dataset.recipe.fetch.opt_out and kinds == {_SOURCE_OF_URLS} and not otherwise


def _blurred(plan: Plan) -> str:
    """What told where faces are, if they were blurred; the dataset's layers may be others than those here."""
    if plan.settings.blur_faces:
        layers = " and ".join(f"`{plan.layers[kind]}`" for kind in BLUR_READS if kind in plan.layers)
        return f"layer {layers}" if " and " not in layers else f"layers {layers}"
    return "person detector of the build" if plan.dataset.recipe.image.blur_faces else ""


def _recipe(plan: Plan) -> str:
    """The settings that decided what was kept; whether faces were blurred is told elsewhere."""
    told = plan.dataset.recipe.model_dump(mode="json", include=set(_TOLD))
    del told["image"]["blur_faces"]
    return yaml.safe_dump(told, sort_keys=False, allow_unicode=True)


def _steps(plan: Plan, shards: Sequence[int]) -> list[funnel.Step]:
    """The funnel of the whole dataset, and of the view as it is now."""
    counts = view_counts.count(plan.selection, shards) if plan.settings.view and shards else None
    return funnel.steps(status(plan.dataset), counts)


def _head(plan: Plan, schema: pa.Schema, shards: Sequence[int], totals: Totals) -> str:
    tasks = [TASKS[kind] for kind in _speaking(plan, shards)]
    head: dict[str, Any] = {
        "license": plan.settings.licence,
        "task_categories": sorted({*tasks, _EVERY_TASK}),
        "size_categories": [_size(totals.samples)],
        "pretty_name": "Photographs of people",
        "tags": ["people", "humanverse"],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/train-*.parquet"}]}],
        "dataset_info": {
            "features": card_features(list(schema)),
        },
    }
    return yaml.safe_dump(head, sort_keys=False, allow_unicode=True)


def _layers(plan: Plan) -> list[Mapping[str, Any]]:
    return [
        {
            "name": plan.layers[kind],
            "model": _cell(model_of(plan.cards[kind]) or None),
            "licence": _cell(plan.cards[kind].get("licence")),
            "version": plan.cards[kind].get("version", "-"),
            "fingerprint": str(plan.cards[kind].get("fingerprint", ""))[:16],
        }
        for kind in KINDS
        if kind in plan.kinds
    ]


def _cell(value: Any) -> str:
    """``value`` inside a Markdown table."""
    return " ".join(str(value or "-").split()).replace("|", "\\|")


def _truth(plan: Plan) -> str:
    given = [f"`{plan.layers[kind]}`" for kind in plan.kinds if plan.cards[kind].get("truth")]
    return f" {', '.join(given)} was not estimated: it was imported as ground truth." if given else ""


def page(plan: Plan, schema: pa.Schema, shards: Sequence[int], totals: Totals) -> str:
    """The card, Markdown with YAML in front.

    Args:
        shards: of which samples are exported.
    """
    template = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    return template.from_string(_TEMPLATE).render(
        head=_head(plan, schema, shards, totals),
        totals=totals,
        are=word(totals.samples, "is", "are"),
        pictures=plural(totals.samples, "picture"),
        layers=_layers(plan),
        source=plan.dataset.store.url.rpartition("/")[2],
        code=f"humanverse {humanverse.__version__}",
        settings=plan.settings,
        steps=_steps(plan, plan.dataset.shards()),
        recipe=_recipe(plan),
        truth=_truth(plan),
        pins=", ".join(f"`{layer}`" for layer in plan.selection.pins.values()),
        opt_out=_servers_were_asked(plan),
        blurred=_blurred(plan),
    )
