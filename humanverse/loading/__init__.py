"""From a view of a dataset to training batches: order, reading, cropping, tensors. ``Dataset.to_torch`` is the way in.

Which samples come, in which order, cropped how and with which caption is a function of the seed, the epoch and the sample, and of
nothing else: neither processes, workers nor the time at which something is read have a say.
"""
