"""Both stages as diffusers pipelines: from a prompt and pictures to pictures, saved and loaded as a folder.

``from_pretrained`` of either class loads what ``save_pretrained`` wrote. Call it on the class: diffusers loads components only
from modules that are imported already, and cannot find these classes from the folder alone. ``PatchVae``, which
a saved pipeline can name and neither class needs, is therefore imported here.
"""

from humanverse.models.patch_vae import PatchVae

__all__ = ["PatchVae"]
