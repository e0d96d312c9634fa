"""From a template to a file: one self-contained HTML page, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from humanverse.errors import UserError
from humanverse.report import wording


@contextlib.contextmanager
def whole_file(out: Path) -> Iterator[Path]:
    """A new file beside ``out`` that becomes ``out`` when the block ends well, and is deleted otherwise.

    Raises:
        UserError: if ``out`` cannot be written.
    """
    if out.is_dir():
        raise UserError(f"{out} is a folder: name the file to write, such as {out / 'report.html'}")
    scratch = out.with_name(f".{out.name}.{uuid.uuid4().hex}.tmp")
    try:
        _guarded(out, scratch.touch)
        yield scratch
        _guarded(out, lambda: _publish(scratch, out))
    finally:
        with contextlib.suppress(OSError):
            scratch.unlink(missing_ok=True)


def _publish(scratch: Path, out: Path) -> None:
    with scratch.open("rb") as file:
        os.fsync(file.fileno())
    scratch.replace(out)


def _guarded(out: Path, action: Any) -> None:
    try:
        action()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"cannot write {out}: {reason}; choose another place with --out") from error


def render(template: str, content: Mapping[str, Any]) -> str:
    """The HTML of one of this package's templates.

    Args:
        template: its file name.
        content: everything that it shows, by the names it uses; texts are escaped here.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": wording.count,
        "plural": wording.plural,
        "percent": wording.percent,
        "digest": wording.digest,
        "rgb": lambda colour: "#{:02x}{:02x}{:02x}".format(*colour),
    }
    return environment.get_template(template).render(content)


def _template(name: str) -> str:
    return resources.files("humanverse.report").joinpath(name).read_text(encoding="utf-8")
