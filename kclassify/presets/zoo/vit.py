"""ViT, DeiT, and ViTs that CLIP and DINOv2 trained."""

from typing import Any

from kclassify.presets.row import Series

VIT = Series("ViT", "vit", "head", "2010.11929")
DEIT = Series("DeiT", "vit", "head", "2012.12877")
DEIT3 = Series("DeiT III", "vit", "head", "2204.07118")
CLIP = Series("CLIP", "vit", "head", "2103.00020")
DINOV2 = Series("DINOv2", "vit", "head", "2304.07193")

TINY, SMALL = {"width": 192, "depth": 12, "heads": 3}, {"width": 384, "depth": 12, "heads": 6}
BASE, LARGE = {"width": 768, "depth": 12, "heads": 12}, {"width": 1024, "depth": 24, "heads": 16}
P14, P16, P32 = {"patch": 14}, {"patch": 16}, {"patch": 32}
# PaddleClas' small one is older than timm's: wide and shallow, its attention scaled by the whole width.
OLD_SMALL = {"width": 768, "depth": 8, "heads": 8, "mlp_ratio": 3, "qkv_bias": False, "attention_scale": 768**-0.5, "epsilon": 1e-5}
TWO = {"distilled": True}
III = {"layer_scale": 1e-6, "embed_class": False}
FIRST = {"pre_norm": True, "epsilon": 1e-5}
SCALED = {"layer_scale": 1e-5}
REG4 = {**SCALED, "registers": 4, "embed_class": False}
BOTH: dict[str, Any] = {"heads": ("head", "head_dist")}
PADDLE = "https://paddle-imagenet-models-name.bj.bcebos.com/dygraph/"

# fmt: off
ROWS = (
    VIT.row("vit_tiny_patch16_224",   {**TINY, **P16},                                       timm="vit_tiny_patch16_224.augreg_in21k_ft_in1k"),
    VIT.row("vit_small_patch16_224",  {**SMALL, **P16},                                      timm="vit_small_patch16_224.augreg_in21k_ft_in1k"),
    VIT.row("vit_small_patch16_224_paddle", {**OLD_SMALL, **P16}, paddle="ViT_small_patch16_224", sources=(f"{PADDLE}ViT_small_patch16_224_pretrained.pdparams",)),
    VIT.row("vit_base_patch16_224",   {**BASE, **P16},  paddle="ViT_base_patch16_224",  timm="vit_base_patch16_224.augreg_in21k_ft_in1k"),
    VIT.row("vit_base_patch16_384",   {**BASE, **P16},  paddle="ViT_base_patch16_384",  timm="vit_base_patch16_384.augreg_in21k_ft_in1k"),
    VIT.row("vit_base_patch32_224",   {**BASE, **P32},                                       timm="vit_base_patch32_224.augreg_in21k_ft_in1k"),
    VIT.row("vit_base_patch32_384",   {**BASE, **P32},  paddle="ViT_base_patch32_384",  timm="vit_base_patch32_384.augreg_in21k_ft_in1k"),
    VIT.row("vit_large_patch16_224",  {**LARGE, **P16}, paddle="ViT_large_patch16_224", timm="vit_large_patch16_224.augreg_in21k_ft_in1k"),
    VIT.row("vit_large_patch16_384",  {**LARGE, **P16}, paddle="ViT_large_patch16_384", timm="vit_large_patch16_384.augreg_in21k_ft_in1k"),
    VIT.row("vit_large_patch32_384",  {**LARGE, **P32}, paddle="ViT_large_patch32_384", timm="vit_large_patch32_384.orig_in21k_ft_in1k"),
    DEIT.row("deit_tiny_patch16_224",  {**TINY, **P16},  paddle="DeiT_tiny_patch16_224",  timm="deit_tiny_patch16_224.fb_in1k"),
    DEIT.row("deit_small_patch16_224", {**SMALL, **P16}, paddle="DeiT_small_patch16_224", timm="deit_small_patch16_224.fb_in1k"),
    DEIT.row("deit_base_patch16_224",  {**BASE, **P16},  paddle="DeiT_base_patch16_224",  timm="deit_base_patch16_224.fb_in1k"),
    DEIT.row("deit_base_patch16_384",  {**BASE, **P16},  paddle="DeiT_base_patch16_384",  timm="deit_base_patch16_384.fb_in1k"),
    DEIT.row("deit_tiny_distilled_patch16_224",  {**TINY, **P16, **TWO},  paddle="DeiT_tiny_distilled_patch16_224",  timm="deit_tiny_distilled_patch16_224.fb_in1k",  **BOTH),
    DEIT.row("deit_small_distilled_patch16_224", {**SMALL, **P16, **TWO}, paddle="DeiT_small_distilled_patch16_224", timm="deit_small_distilled_patch16_224.fb_in1k", **BOTH),
    DEIT.row("deit_base_distilled_patch16_224",  {**BASE, **P16, **TWO},  paddle="DeiT_base_distilled_patch16_224",  timm="deit_base_distilled_patch16_224.fb_in1k",  **BOTH),
    DEIT.row("deit_base_distilled_patch16_384",  {**BASE, **P16, **TWO},  paddle="DeiT_base_distilled_patch16_384",  timm="deit_base_distilled_patch16_384.fb_in1k",  **BOTH),
    DEIT3.row("deit3_small_patch16_224",  {**SMALL, **P16, **III}, timm="deit3_small_patch16_224.fb_in22k_ft_in1k"),
    DEIT3.row("deit3_base_patch16_224",   {**BASE, **P16, **III},  timm="deit3_base_patch16_224.fb_in22k_ft_in1k"),
    CLIP.row("vit_base_patch32_clip_224",  {**BASE, **P32, **FIRST},  timm="vit_base_patch32_clip_224.laion2b_ft_in12k_in1k"),
    CLIP.row("vit_base_patch32_clip_384",  {**BASE, **P32, **FIRST},  timm="vit_base_patch32_clip_384.laion2b_ft_in12k_in1k"),
    CLIP.row("vit_base_patch32_clip_448",  {**BASE, **P32, **FIRST},  timm="vit_base_patch32_clip_448.laion2b_ft_in12k_in1k"),
    CLIP.row("vit_base_patch16_clip_224",  {**BASE, **P16, **FIRST},  timm="vit_base_patch16_clip_224.openai_ft_in12k_in1k"),
    CLIP.row("vit_base_patch16_clip_384",  {**BASE, **P16, **FIRST},  timm="vit_base_patch16_clip_384.openai_ft_in12k_in1k"),
    CLIP.row("vit_large_patch14_clip_224", {**LARGE, **P14, **FIRST}, timm="vit_large_patch14_clip_224.openai_ft_in12k_in1k"),
    CLIP.row("vit_large_patch14_clip_336", {**LARGE, **P14, **FIRST}, timm="vit_large_patch14_clip_336.openai_ft_in12k_in1k"),
    DINOV2.row("vit_small_patch14_dinov2", {**SMALL, **P14, **SCALED}, timm="vit_small_patch14_dinov2.lvd142m"),
    DINOV2.row("vit_base_patch14_dinov2",  {**BASE, **P14, **SCALED},  timm="vit_base_patch14_dinov2.lvd142m"),
    DINOV2.row("vit_large_patch14_dinov2", {**LARGE, **P14, **SCALED}, timm="vit_large_patch14_dinov2.lvd142m"),
    DINOV2.row("vit_small_patch14_reg4_dinov2", {**SMALL, **P14, **REG4}, timm="vit_small_patch14_reg4_dinov2.lvd142m"),
    DINOV2.row("vit_base_patch14_reg4_dinov2",  {**BASE, **P14, **REG4},  timm="vit_base_patch14_reg4_dinov2.lvd142m"),
    DINOV2.row("vit_large_patch14_reg4_dinov2", {**LARGE, **P14, **REG4}, timm="vit_large_patch14_reg4_dinov2.lvd142m"),
)
# fmt: on
