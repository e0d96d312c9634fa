"""Conditions on samples, as DuckDB writes them; they come with datasets from other people, and are checked before they run."""
