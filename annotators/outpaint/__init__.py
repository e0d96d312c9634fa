"""Pictures grown at their borders before structure is estimated, and what was said of them brought back."""
