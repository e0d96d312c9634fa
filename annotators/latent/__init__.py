"""Latents of pictures and of their maps."""
