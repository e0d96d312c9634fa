"""The invariants of the format, one file per part of a dataset; ``humanverse.dataset.verify`` runs them all."""
