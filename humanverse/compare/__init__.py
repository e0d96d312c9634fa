"""Two layers of one kind against each other: how far they agree, where they differ, and COCO's figures against truth."""
