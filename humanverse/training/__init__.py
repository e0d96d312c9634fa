"""The trainer of both stages: settings, what a stage learns, the loop, checkpoints.

All chance (noise, timesteps, dropped conditions, crops, order) is a function of the run's seed and a sample's number in the run,
so that a run that was stopped goes on to the same weights. ``settings`` and ``checkpoints`` are read without PyTorch.
"""
