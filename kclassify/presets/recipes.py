"""Training recipes: rows of RunConfig values. A value that a row leaves out is RunConfig's own default."""

from collections.abc import Mapping
from typing import Any

RECIPES: dict[str, Mapping[str, Any]] = {
    # A few hundred to a few thousand images on one machine, from real weights where the preset has them.
    "default": {},
    # PaddleClas ppcls/configs/quick_start/MobileNetV3_large_x1_0.yaml (flowers102; its 4 GPUs of 32 images are one batch of 128 here).
    "paddleclas_quick_start": {
        "epochs": 20,
        "batch_size": 128,
        "optimizer.lr": 0.00375,
        "optimizer.weight_decay": 1e-6,
        "optimizer.nesterov": False,
        "optimizer.ema": 0.0,
        "schedule.warmup_epochs": 5.0,
        "loss.label_smoothing": 0.0,
    },
    # PaddleClas ppcls/configs/ImageNet/MobileNetV3/MobileNetV3_large_x1_0.yaml, without its AutoAugment: 4 GPUs of 256 images.
    "paddleclas_imagenet": {
        "epochs": 360,
        "batch_size": 1024,
        "optimizer.lr": 0.65,
        "optimizer.weight_decay": 2e-5,
        "optimizer.nesterov": False,
        "optimizer.ema": 0.0,
        "schedule.warmup_epochs": 5.0,
        "loss.label_smoothing": 0.1,
    },
}
