"""Tests of the generator. Test modules import diffusers, so torchvision is readied here."""

from humanverse.torchvision_operators import prepare_torchvision

prepare_torchvision()
