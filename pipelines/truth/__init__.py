"""Ground truth that others have written down, as layers."""
