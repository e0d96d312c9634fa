"""MMPose, the OpenMMLab library, used as itself: its configs, its registry, its models, its data pipelines and codecs."""
