"""How the lite structure estimator is made (``python -m pipelines.lite_structure``): rendered, trained, measured, exported."""
