# ViTPose-H for the 133 points of COCO-WholeBody at 256 x 192, which no configuration of MMPose 1.x describes: as in
# ViTPose_huge_wholebody_256x192 of ViTAE-Transformer/ViTPose, which is for MMPose 0.x.
default_scope = "mmpose"

codec = {"type": "MSRAHeatmap", "input_size": (192, 256), "heatmap_size": (48, 64), "sigma": 2}

model = {
    "type": "TopdownPoseEstimator",
    "data_preprocessor": {
        "type": "PoseDataPreprocessor",
        "mean": [123.675, 116.28, 103.53],
        "std": [58.395, 57.12, 57.375],
        "bgr_to_rgb": True,
    },
    "backbone": {"type": "HumanverseViT", "width": 1280, "blocks": 32, "heads": 16, "img_size": (256, 192)},
    "head": {
        "type": "HeatmapHead",
        "in_channels": 1280,
        "out_channels": 133,
        "deconv_out_channels": (256, 256),
        "deconv_kernel_sizes": (4, 4),
        "loss": {"type": "KeypointMSELoss", "use_target_weight": True},
        "decoder": codec,
    },
    "test_cfg": {"flip_test": True, "flip_mode": "heatmap", "shift_heatmap": True},
}

test_dataloader = {
    "dataset": {
        "type": "CocoWholeBodyDataset",
        "data_mode": "topdown",
        "pipeline": [
            {"type": "LoadImage"},
            {"type": "GetBBoxCenterScale"},
            {"type": "TopdownAffine", "input_size": codec["input_size"]},
            {"type": "PackPoseInputs"},
        ],
    }
}
