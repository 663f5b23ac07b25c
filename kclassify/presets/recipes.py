"""Training recipes: rows of RunConfig values. A value that a row leaves out is RunConfig's own default."""

from collections.abc import Mapping
from typing import Any

Recipe = Mapping[str, Any]

# Rates are for the published batch, and follow the run's own: linearly for SGD and RMSprop (arXiv:1706.02677) and where the source does so.
_LINEAR = {"optimizer.lr_scale": "linear"}
_PLAIN_SGD = {"optimizer.name": "sgd", "optimizer.momentum": 0.9, "optimizer.nesterov": False}
_IMAGENET_CROPS = {"augment.crop_scale": (0.08, 1.0), "augment.flip": 0.5}
_WARM_5 = {"schedule.warmup_epochs": 5.0}
_MIXED = {"augment.mixup.alpha": 0.8, "augment.cutmix.alpha": 1.0}  # one of the two for each batch, as likely
_RANDAUGMENT = {  # timm's rand-m9-mstd0.5-inc1, whose layers are left out half of the time
    "augment.randaugment.magnitude": 9.0,
    "augment.randaugment.noise": 0.5,
    "augment.randaugment.increasing": True,
    "augment.randaugment.probability": 0.5,
}
_ERASING = {
    "augment.random_erasing.probability": 0.25,
    "augment.random_erasing.area": (0.02, 1 / 3),
    "augment.random_erasing.aspect": (0.3, 1 / 0.3),
    "augment.random_erasing.log_aspect": True,
    "augment.random_erasing.mode": "pixel",
}
_A = {  # what A1, A2 and A3 share; their 3 repeats of an image (A1, A2) are rows of their own
    "batch_size": 2048,
    "crop_pct": 0.95,
    "optimizer.name": "lamb",
    "optimizer.epsilon": 1e-6,
    "optimizer.reference_batch": 2048,
    "optimizer.lr_scale": "sqrt",
    "optimizer.ema": 0.0,
    "loss.name": "bce",
    "loss.target_threshold": 0.2,
    "augment.ops": ("randaugment", "mixup", "cutmix"),
    "augment.cutmix.alpha": 1.0,
    **(_WARM_5 | _IMAGENET_CROPS | _RANDAUGMENT),
}

RECIPES: dict[str, Recipe] = {
    # One of the next two: finetune where the run starts from weights, else scratch.
    "default": {},
    # A hundred to ten thousand images, from weights that know photographs.
    "finetune": {
        "min_steps": 200,
        "optimizer.lr": 0.02,
        "optimizer.reference_batch": 32,
        **_LINEAR,
    },
    # The same budget from random weights.
    "scratch": {
        "min_steps": 200,
        "optimizer.lr": 0.05,
        "optimizer.reference_batch": 32,
        **_LINEAR,
    },
    # PaddleClas ppcls/configs/quick_start/MobileNetV3_large_x1_0.yaml (flowers102; its 4 GPUs of 32 images are one batch of 128 here).
    "paddleclas_quick_start": {
        "epochs": 20,
        "batch_size": 128,
        "optimizer.lr": 0.00375,
        "optimizer.reference_batch": 128,
        "optimizer.weight_decay": 1e-6,
        "optimizer.ema": 0.0,
        "loss.label_smoothing": 0.0,
        **(_PLAIN_SGD | _LINEAR | _WARM_5 | _IMAGENET_CROPS),
    },
    # PaddleClas ppcls/configs/ImageNet/MobileNetV3/MobileNetV3_large_x1_0.yaml: 4 GPUs of 256 images.
    "paddleclas_imagenet": {
        "epochs": 360,
        "batch_size": 1024,
        "optimizer.lr": 0.65,
        "optimizer.reference_batch": 1024,
        "optimizer.weight_decay": 2e-5,
        "optimizer.ema": 0.0,
        "loss.label_smoothing": 0.1,
        "augment.ops": ("autoaugment",),
        **(_PLAIN_SGD | _LINEAR | _WARM_5 | _IMAGENET_CROPS),
    },
    # PaddleClas ppcls/configs/ImageNet/ResNet/ResNet50.yaml: 4 GPUs of 64 images. Its L2 is on every parameter.
    "paddleclas_resnet50": {
        "epochs": 120,
        "batch_size": 256,
        "optimizer.lr": 0.1,
        "optimizer.reference_batch": 256,
        "optimizer.weight_decay": 1e-4,
        "optimizer.decay_all": True,
        "optimizer.ema": 0.0,
        "schedule.name": "piecewise",
        "schedule.warmup_epochs": 0.0,
        "schedule.milestones": (30.0, 60.0, 90.0),
        "schedule.gamma": 0.1,
        "loss.label_smoothing": 0.0,
        **(_PLAIN_SGD | _LINEAR | _IMAGENET_CROPS),
    },
    # torchvision's IMAGENET1K_V2 weights of ResNet50 (its models' recipe page, pytorch/vision issue 3995). It trains at 176 pixels and
    # validates at 224, which a run here cannot: this row has 224 for both. Its averages, 0.99998 for every 32 steps scaled by batch and
    # epochs, are 0.99997 a step. It decays the head's offset too.
    "torchvision_v2": {
        "epochs": 600,
        "batch_size": 1024,
        "image_size": 224,
        "crop_pct": 224 / 232,
        "optimizer.lr": 0.5,
        "optimizer.reference_batch": 1024,
        "optimizer.weight_decay": 2e-5,
        "optimizer.ema": 0.99997,
        "schedule.warmup_lr": 0.01,
        "loss.label_smoothing": 0.1,
        "augment.ops": ("trivialaugment", "random_erasing", "mixup", "cutmix"),
        "augment.repeats": 4,
        "augment.random_erasing.probability": 0.1,
        "augment.random_erasing.area": (0.02, 1 / 3),
        "augment.random_erasing.log_aspect": True,
        "augment.random_erasing.mode": "const",
        "augment.mixup.alpha": 0.2,
        "augment.cutmix.alpha": 1.0,
        **(_PLAIN_SGD | _LINEAR | _WARM_5 | _IMAGENET_CROPS),
    },
    # timm's ResNet recipes (arXiv:2110.00476, table 2), without the stochastic depth of 0.05 of A1 and A2: the presets have none.
    "timm_a1": {
        **_A,
        "epochs": 600,
        "optimizer.lr": 5e-3,
        "optimizer.weight_decay": 0.01,
        "loss.label_smoothing": 0.1,
        "augment.repeats": 3,
        "augment.randaugment.magnitude": 7.0,
        "augment.mixup.alpha": 0.2,
    },
    "timm_a2": {
        **_A,
        "epochs": 300,
        "optimizer.lr": 5e-3,
        "optimizer.weight_decay": 0.02,
        "loss.label_smoothing": 0.0,
        "augment.repeats": 3,
        "augment.randaugment.magnitude": 7.0,
        "augment.mixup.alpha": 0.2,
    },
    # It trains at 160 pixels and validates at 224; here both are at 160.
    "timm_a3": {
        **_A,
        "epochs": 100,
        "image_size": 160,
        "optimizer.lr": 8e-3,
        "optimizer.weight_decay": 0.02,
        "loss.label_smoothing": 0.0,
        "augment.randaugment.magnitude": 6.0,
        "augment.mixup.alpha": 0.1,
    },
    # DeiT (arXiv:2012.12877, table 9, and its main.py), without its stochastic depth of 0.1: the presets have none.
    "deit": {
        "epochs": 300,
        "batch_size": 1024,
        "optimizer.name": "adamw",
        "optimizer.lr": 5e-4,
        "optimizer.reference_batch": 512,
        "optimizer.weight_decay": 0.05,
        "optimizer.ema": 0.99996,
        "schedule.warmup_lr": 1e-3,  # 1e-6 of 1e-3
        "schedule.min_lr": 1e-2,  # 1e-5 of 1e-3
        "loss.label_smoothing": 0.1,
        "augment.ops": ("randaugment", "random_erasing", "mixup", "cutmix"),
        "augment.repeats": 3,
        **(_LINEAR | _WARM_5 | _IMAGENET_CROPS | _RANDAUGMENT | _ERASING | _MIXED),
    },
    # ConvNeXt (arXiv:2201.03545, table 5, and its TRAINING.md), without its stochastic depth of 0.1 to 0.5: the presets have none.
    "convnext": {
        "epochs": 300,
        "batch_size": 4096,
        "optimizer.name": "adamw",
        "optimizer.lr": 4e-3,
        "optimizer.reference_batch": 4096,
        "optimizer.weight_decay": 0.05,
        "optimizer.ema": 0.9999,
        "schedule.warmup_epochs": 20.0,
        "schedule.min_lr": 2.5e-4,  # 1e-6 of 4e-3
        "loss.label_smoothing": 0.1,
        "augment.ops": ("randaugment", "random_erasing", "mixup", "cutmix"),
        **(_LINEAR | _IMAGENET_CROPS | _RANDAUGMENT | _ERASING | _MIXED),
    },
    # EfficientNet (arXiv:1905.11946, section 5.2, and main.py of its authors' TPU code), without its stochastic depth of 0.2.
    "efficientnet": {
        "epochs": 350,
        "batch_size": 4096,
        "dropout": 0.2,
        "optimizer.name": "rmsprop",
        "optimizer.lr": 0.016,
        "optimizer.reference_batch": 256,
        "optimizer.momentum": 0.9,
        "optimizer.beta1": 0.9,
        "optimizer.epsilon": 1e-3,
        "optimizer.weight_decay": 1e-5,
        "optimizer.ema": 0.9999,
        "schedule.name": "step",
        "schedule.step_epochs": 2.4,
        "schedule.gamma": 0.97,
        "loss.label_smoothing": 0.1,
        "augment.ops": ("autoaugment",),
        **(_LINEAR | _WARM_5 | _IMAGENET_CROPS),
    },
}


def chosen_recipe(name: str, *, from_weights: bool) -> str:
    """The row that a recipe's name stands for: `default` is finetune for a run that starts from weights, else scratch."""
    return {True: "finetune", False: "scratch"}[from_weights] if name == "default" else name
