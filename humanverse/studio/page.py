"""The page, as Gradio has it."""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from humanverse.errors import UserError, one_line
from humanverse.generation import hints
from humanverse.generation.skeletons import Skeleton
from humanverse.studio import canvas, uploads
from humanverse.studio.samples import thumbnail
from humanverse.studio.work import MOST, Made, Studio, Wish

TITLE = "humanverse studio"
NOTICE = (
    "Everything that is made here is synthetic. Files say so in their metadata, and pictures carry an invisible mark "
    "where they are large enough for it."
)
CSS = """
.gradio-container { max-width: 1500px !important; }
#head h1 { margin-bottom: 0; }
#samples .caption-label { font-size: 11px; }
#pictures, #pictures .grid-wrap { min-height: 0 !important; max-height: none !important; }
#message textarea { font-size: 15px; }
"""
FONT, CODE_FONT = ("ui-sans-serif", "system-ui", "sans-serif"), ("ui-monospace", "monospace")
"""Of the machine itself: nothing is loaded from elsewhere."""
UPLOADS = (".json", ".png", ".jpg", ".jpeg", ".webp")
"""Files that can be skeletons."""
SAMPLES_HEIGHT = 230
_SEEDS = 2**31

Offered = tuple[list[tuple[Any, str]], list[Skeleton], str]
"""Gallery, the skeletons in it, message."""


def theme() -> gr.themes.Base:
    return gr.themes.Soft(primary_hue="indigo", neutral_hue="slate", font=FONT, font_mono=CODE_FONT)


class Page:
    """The functions behind the page's events: each answers with what is shown, or with a line that says what is wrong.

    Args:
        studio: that does the work.
    """

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def offer(self) -> Offered:
        """Some skeletons of the dataset, others each time."""
        return self._gallery(lambda: self.studio.offered(random.randrange(_SEEDS)))

    def find(self, prompt: str | None) -> Offered:
        """Skeletons for the prompt."""
        return self._gallery(lambda: self.studio.found(prompt, 0))

    def _gallery(self, look: Callable[[], list[Skeleton]]) -> Offered:
        try:
            found = look()
        except UserError as error:
            return [], [], str(error)
        return [(thumbnail(one), one.caption) for one in found], found, ""

    def choose(self, place: int, offered: list[Skeleton], prompt: str | None) -> tuple[str, Skeleton, str, str]:
        """Canvas, skeleton, prompt and message after a click in the gallery; an empty prompt becomes the caption."""
        skeleton = offered[place]
        return canvas.showing(skeleton), skeleton, (prompt or "").strip() or skeleton.caption, ""

    def upload(self, path: str | None, shown: str, chosen: Skeleton | None) -> tuple[str, Skeleton | None, str]:
        """Canvas, skeleton and message after a file was given."""
        if path is None:
            return shown, chosen, ""
        try:
            found = uploads.read(Path(path))
        except UserError as error:
            return shown, chosen, str(error)
        name = Path(path).name
        more = [f"{name} has {len(found)} pictures: this is the first"] if len(found) > 1 else []
        return canvas.showing(found[0]), found[0], "\n".join([*more, *hints.few_points(name, found[:1])])

    def generate(
        self,
        shown: str,
        chosen: Skeleton | None,
        *fields: Any,
        progress: gr.Progress = gr.Progress(),
    ) -> Iterator[tuple[list[tuple[str, str]], list[str], str]]:
        """Gallery, files and message, after each picture. ``fields`` are those of ``Wish``."""
        made = Made()
        try:
            skeleton = canvas.skeleton_on(shown, chosen)
            progress(0, desc="the model is loaded")
            for made in self.studio.make(Wish(*fields), skeleton, lambda share: progress(share, desc="pictures")):
                yield made.shown, made.files, made.message
        except UserError as error:
            yield made.shown, made.files, str(error)
        except Exception as error:
            traceback.print_exc()
            yield (
                made.shown,
                made.files,
                f"this went wrong, and is told in full where the page was started: {one_line(error)}",
            )


def build(studio: Studio) -> gr.Blocks:
    """The page of ``studio``, with the canvas of ``canvas.js``."""
    page = Page(studio)
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True, delete_cache=(3600, 86400)) as blocks:
        gr.Markdown(f"# {TITLE}\n{_models(studio)}", elem_id="head")
        chosen = gr.State(None)
        with gr.Row(equal_height=False):
            with gr.Column(scale=5, min_width=420):
                shown = gr.HTML(
                    canvas.standing_in(studio.frame),
                    html_template=canvas.part("html"),
                    css_template=canvas.part("css"),
                    js_on_load=canvas.part("js"),
                    elem_id="canvas",
                    **canvas.props(),
                )
                file = gr.UploadButton(
                    "Upload a drawn skeleton, or keypoints as JSON",
                    file_types=list(UPLOADS),
                    size="sm",
                    elem_id="upload",
                )
            with gr.Column(scale=6, min_width=420):
                prompt = gr.Textbox("", label="Prompt", placeholder="A woman in a red coat, walking", elem_id="prompt")
                fields = [prompt, *_numbers(studio)]
                make = gr.Button("Generate", variant="primary", elem_id="generate")
                message = gr.Textbox(
                    show_label=False, container=False, interactive=False, max_lines=4, elem_id="message"
                )
                if studio.samples is not None:
                    _offer(page, shown, chosen, prompt, message, blocks)
        gallery = gr.Gallery(
            show_label=False,
            columns=studio.outputs,
            height="auto",
            object_fit="contain",
            buttons=["download", "fullscreen"],
            elem_id="pictures",
        )
        with gr.Accordion("Files, with how they were made", open=False):
            files = gr.File(show_label=False, file_count="multiple", interactive=False, elem_id="files")
        gr.Markdown(NOTICE)
        inputs = [shown, chosen, *fields]
        gr.on([make.click, prompt.submit], page.generate, inputs, [gallery, files, message], show_progress_on=[gallery])
        file.upload(page.upload, [file, shown, chosen], [shown, chosen, message])
    return blocks


def _numbers(studio: Studio) -> list[gr.components.Component]:
    """The fields of ``Wish`` after the prompt, in its order."""
    usual = Wish("")
    with gr.Row():
        count = gr.Slider(1, MOST, usual.count, step=1, label="Pictures", elem_id="count", min_width=120)
        seed = gr.Number(usual.seed, precision=0, label="Seed", elem_id="seed", min_width=120)
        size = gr.Dropdown(studio.sizes, label="Size", allow_custom_value=True, elem_id="size", min_width=120)
    with gr.Row():
        steps = gr.Slider(1, 200, usual.steps, step=1, label="Steps", elem_id="steps", min_width=120)
        guidance = gr.Slider(1, 20, usual.guidance, step=0.5, label="Guidance", elem_id="guidance", min_width=120)
    with gr.Accordion("More", open=False):
        rescale = gr.Slider(0, 1, usual.rescale, step=0.05, label="Rescale of guidance", elem_id="rescale")
        negative = gr.Textbox("", label="What is not to be seen", elem_id="negative")
        original = gr.Textbox(
            "", label="Size that training pictures had", placeholder="that of the picture", elem_id="original"
        )
    return [count, seed, steps, guidance, rescale, size, negative, original]


def _offer(
    page: Page, shown: gr.HTML, chosen: gr.State, prompt: gr.Textbox, message: gr.Textbox, blocks: gr.Blocks
) -> None:
    """The dataset's skeletons, to choose from."""
    offered = gr.State([])
    with gr.Row():
        find = gr.Button("Skeletons for the prompt", size="sm", elem_id="find", visible=page.studio.search is not None)
        others = gr.Button("Other skeletons", size="sm", elem_id="others")
    samples = gr.Gallery(
        show_label=False,
        columns=4,
        height=SAMPLES_HEIGHT,
        object_fit="contain",
        allow_preview=False,
        buttons=[],
        elem_id="samples",
    )

    def choose(event: gr.SelectData, skeletons: list[Skeleton], words: str) -> tuple[str, Skeleton, str, str]:
        return page.choose(int(event.index), skeletons, words)

    blocks.load(page.offer, None, [samples, offered, message])
    others.click(page.offer, None, [samples, offered, message])
    find.click(page.find, [prompt], [samples, offered, message])
    samples.select(choose, [offered, prompt], [shown, chosen, prompt, message])


def _models(studio: Studio) -> str:
    generator = studio.generator
    stages = [generator.model, *([generator.refiner] if generator.refiner else [])]
    made = "Pictures by " + " and ".join(f"`{stage.named}`" for stage in stages)
    return made if studio.samples is None else f"{made}, skeletons of `{studio.samples.url}`"
