"""What runs the stages: this process alone, or Ray Data. Both see the same stages and give the same dataset."""
