"""States of texts."""
