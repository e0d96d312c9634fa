"""One self-contained HTML page about a dataset: what became of its source rows, what it holds, and what its samples look like."""

from humanverse.report.page import write

__all__ = ["write"]
