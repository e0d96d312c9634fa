"""The dataset format: where files lie, how a shard is written and committed, and how everything is read."""
