"""Datasets in the forms of others: WebDataset, COCO-WholeBody, and a folder for Hugging Face's ``datasets``."""
