"""Augmentation policies as tables: which operations, how strong they are at each level, and the sub-policies found by search."""

from collections.abc import Mapping
from dataclasses import dataclass

LEVELS = 10.0  # the strongest level of AutoAugment, RandAugment and AugMix; the sub-policies below name levels 0 to 9


@dataclass(frozen=True)
class Span:
    """The magnitudes of one operation from level 0 (`start`) to the highest level (`end`), in the unit of the operation.

    `whole` cuts the way from `start` off to a whole number; `signed` takes either direction from `base` at random; `of_side` makes
    the magnitude a share of the image's side.
    """

    start: float = 0.0
    end: float = 0.0
    whole: bool = False
    signed: bool = False
    base: float = 0.0
    of_side: bool = False


NONE = Span()  # an operation without a magnitude
SHEAR = Span(0.0, 0.3, signed=True)
TRANSLATE = Span(0.0, 150 / 331, signed=True, of_side=True)  # 150 pixels of the 331 of the paper's images
ROTATE = Span(0.0, 30.0, signed=True)
ENHANCE = Span(0.1, 1.9)
ENHANCE_EITHER_WAY = Span(0.0, 0.9, signed=True, base=1.0)

_GEOMETRIC = {"shear_x": SHEAR, "shear_y": SHEAR, "translate_x": TRANSLATE, "translate_y": TRANSLATE, "rotate": ROTATE}

# arXiv:1805.09501: the operations and their ranges.
AUTOAUGMENT: Mapping[str, Span] = {
    **_GEOMETRIC,
    "autocontrast": NONE,
    "invert": NONE,
    "equalize": NONE,
    "solarize": Span(0.0, 256.0, whole=True),
    "posterize": Span(4.0, 8.0, whole=True),
    "contrast": ENHANCE,
    "color": ENHANCE,
    "brightness": ENHANCE,
    "sharpness": ENHANCE,
}
# arXiv:1909.13719: AutoAugment's operations without invert, with identity.
RANDAUGMENT: Mapping[str, Span] = {"identity": NONE, **{name: span for name, span in AUTOAUGMENT.items() if name != "invert"}}
# timm's `inc1`: fifteen operations without identity, of which each gets stronger with the level.
RANDAUGMENT_INCREASING: Mapping[str, Span] = {
    **{name: span for name, span in _GEOMETRIC.items() if span is not TRANSLATE},
    "translate_x": Span(0.0, 0.45, signed=True, of_side=True),
    "translate_y": Span(0.0, 0.45, signed=True, of_side=True),
    "autocontrast": NONE,
    "invert": NONE,
    "equalize": NONE,
    "solarize": Span(256.0, 0.0, whole=True),
    "solarize_add": Span(0.0, 110.0, whole=True),
    "posterize": Span(4.0, 0.0, whole=True),
    "contrast": ENHANCE_EITHER_WAY,
    "color": ENHANCE_EITHER_WAY,
    "brightness": ENHANCE_EITHER_WAY,
    "sharpness": ENHANCE_EITHER_WAY,
}

# arXiv:2103.10158, the wide space, with the authors' 31 levels; translation by up to 32 pixels at any size.
TRIVIAL_LEVELS = 30
TRIVIALAUGMENT: Mapping[str, Span] = {
    "identity": NONE,
    "shear_x": Span(0.0, 0.99, signed=True),
    "shear_y": Span(0.0, 0.99, signed=True),
    "translate_x": Span(0.0, 32.0, whole=True, signed=True),
    "translate_y": Span(0.0, 32.0, whole=True, signed=True),
    "rotate": Span(0.0, 135.0, whole=True, signed=True),
    "autocontrast": NONE,
    "equalize": NONE,
    "solarize": Span(256.0, 0.0, whole=True),
    "posterize": Span(8.0, 2.0, whole=True),
    "contrast": Span(0.01, 2.0),
    "color": Span(0.01, 2.0),
    "brightness": Span(0.01, 2.0),
    "sharpness": Span(0.01, 2.0),
}

# arXiv:1912.02781: nothing that is among the corruptions of ImageNet-C.
AUGMIX: Mapping[str, Span] = {
    "autocontrast": NONE,
    "equalize": NONE,
    "posterize": Span(4.0, 0.0, whole=True),
    "rotate": Span(0.0, 30.0, whole=True, signed=True),
    "solarize": Span(256.0, 0.0, whole=True),
    "shear_x": SHEAR,
    "shear_y": SHEAR,
    "translate_x": Span(0.0, 1 / 3, signed=True, of_side=True),
    "translate_y": Span(0.0, 1 / 3, signed=True, of_side=True),
}

Step = tuple[str, float, int]  # operation, probability, level
# arXiv:1805.09501, appendix: the policies found on reduced ImageNet, CIFAR-10 and SVHN.
# fmt: off
SUB_POLICIES: Mapping[str, tuple[tuple[Step, Step], ...]] = {
    "imagenet": (
        (("posterize",    0.4, 8), ("rotate",       0.6, 9)),
        (("solarize",     0.6, 5), ("autocontrast", 0.6, 5)),
        (("equalize",     0.8, 8), ("equalize",     0.6, 3)),
        (("posterize",    0.6, 7), ("posterize",    0.6, 6)),
        (("equalize",     0.4, 7), ("solarize",     0.2, 4)),
        (("equalize",     0.4, 4), ("rotate",       0.8, 8)),
        (("solarize",     0.6, 3), ("equalize",     0.6, 7)),
        (("posterize",    0.8, 5), ("equalize",     1.0, 2)),
        (("rotate",       0.2, 3), ("solarize",     0.6, 8)),
        (("equalize",     0.6, 8), ("posterize",    0.4, 6)),
        (("rotate",       0.8, 8), ("color",        0.4, 0)),
        (("rotate",       0.4, 9), ("equalize",     0.6, 2)),
        (("equalize",     0.0, 7), ("equalize",     0.8, 8)),
        (("invert",       0.6, 4), ("equalize",     1.0, 8)),
        (("color",        0.6, 4), ("contrast",     1.0, 8)),
        (("rotate",       0.8, 8), ("color",        1.0, 2)),
        (("color",        0.8, 8), ("solarize",     0.8, 7)),
        (("sharpness",    0.4, 7), ("invert",       0.6, 8)),
        (("shear_x",      0.6, 5), ("equalize",     1.0, 9)),
        (("color",        0.4, 0), ("equalize",     0.6, 3)),
        (("equalize",     0.4, 7), ("solarize",     0.2, 4)),
        (("solarize",     0.6, 5), ("autocontrast", 0.6, 5)),
        (("invert",       0.6, 4), ("equalize",     1.0, 8)),
        (("color",        0.6, 4), ("contrast",     1.0, 8)),
        (("equalize",     0.8, 8), ("equalize",     0.6, 3)),
    ),
    "cifar10": (
        (("invert",       0.1, 7), ("contrast",     0.2, 6)),
        (("rotate",       0.7, 2), ("translate_x",  0.3, 9)),
        (("sharpness",    0.8, 1), ("sharpness",    0.9, 3)),
        (("shear_y",      0.5, 8), ("translate_y",  0.7, 9)),
        (("autocontrast", 0.5, 8), ("equalize",     0.9, 2)),
        (("shear_y",      0.2, 7), ("posterize",    0.3, 7)),
        (("color",        0.4, 3), ("brightness",   0.6, 7)),
        (("sharpness",    0.3, 9), ("brightness",   0.7, 9)),
        (("equalize",     0.6, 5), ("equalize",     0.5, 1)),
        (("contrast",     0.6, 7), ("sharpness",    0.6, 5)),
        (("color",        0.7, 7), ("translate_x",  0.5, 8)),
        (("equalize",     0.3, 7), ("autocontrast", 0.4, 8)),
        (("translate_y",  0.4, 3), ("sharpness",    0.2, 6)),
        (("brightness",   0.9, 6), ("color",        0.2, 8)),
        (("solarize",     0.5, 2), ("invert",       0.0, 3)),
        (("equalize",     0.2, 0), ("autocontrast", 0.6, 0)),
        (("equalize",     0.2, 8), ("equalize",     0.6, 4)),
        (("color",        0.9, 9), ("equalize",     0.6, 6)),
        (("autocontrast", 0.8, 4), ("solarize",     0.2, 8)),
        (("brightness",   0.1, 3), ("color",        0.7, 0)),
        (("solarize",     0.4, 5), ("autocontrast", 0.9, 3)),
        (("translate_y",  0.9, 9), ("translate_y",  0.7, 9)),
        (("autocontrast", 0.9, 2), ("solarize",     0.8, 3)),
        (("equalize",     0.8, 8), ("invert",       0.1, 3)),
        (("translate_y",  0.7, 9), ("autocontrast", 0.9, 1)),
    ),
    "svhn": (
        (("shear_x",      0.9, 4), ("invert",       0.2, 3)),
        (("shear_y",      0.9, 8), ("invert",       0.7, 5)),
        (("equalize",     0.6, 5), ("solarize",     0.6, 6)),
        (("invert",       0.9, 3), ("equalize",     0.6, 3)),
        (("equalize",     0.6, 1), ("rotate",       0.9, 3)),
        (("shear_x",      0.9, 4), ("autocontrast", 0.8, 3)),
        (("shear_y",      0.9, 8), ("invert",       0.4, 5)),
        (("shear_y",      0.9, 5), ("solarize",     0.2, 6)),
        (("invert",       0.9, 6), ("autocontrast", 0.8, 1)),
        (("equalize",     0.6, 3), ("rotate",       0.9, 3)),
        (("shear_x",      0.9, 4), ("solarize",     0.3, 3)),
        (("shear_y",      0.8, 8), ("invert",       0.7, 4)),
        (("equalize",     0.9, 5), ("translate_y",  0.6, 6)),
        (("invert",       0.9, 4), ("equalize",     0.6, 7)),
        (("contrast",     0.3, 3), ("rotate",       0.8, 4)),
        (("invert",       0.8, 5), ("translate_y",  0.0, 2)),
        (("shear_y",      0.7, 6), ("solarize",     0.4, 8)),
        (("invert",       0.6, 4), ("rotate",       0.8, 4)),
        (("shear_y",      0.3, 7), ("translate_x",  0.9, 3)),
        (("shear_x",      0.1, 6), ("invert",       0.6, 5)),
        (("solarize",     0.7, 2), ("translate_y",  0.6, 7)),
        (("shear_y",      0.8, 4), ("invert",       0.8, 8)),
        (("shear_x",      0.7, 9), ("translate_y",  0.8, 3)),
        (("shear_y",      0.8, 5), ("autocontrast", 0.7, 3)),
        (("shear_x",      0.7, 2), ("invert",       0.1, 5)),
    ),
}
# fmt: on
