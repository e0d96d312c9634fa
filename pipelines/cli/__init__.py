"""The command line: what a user types, checked and handed on. Each command imports what it needs when it runs.

Commands are listed to the user in the order in which their modules are imported here.
"""

# ruff: noqa: I001
from pipelines.cli.app import app
from pipelines.cli import (
    build,
    annotate,
    dataset,
    compare,
    dedup,
    view,
    export,
    forget,
    merge,
    snapshot,
    synth,
    train,
    generate,
    studio,
    models,
)
from pipelines.cli.main import main

__all__ = [
    "annotate",
    "app",
    "build",
    "compare",
    "dataset",
    "dedup",
    "export",
    "forget",
    "generate",
    "main",
    "merge",
    "models",
    "snapshot",
    "studio",
    "synth",
    "train",
    "view",
]
