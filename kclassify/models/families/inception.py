"""GoogLeNet (arXiv 1409.4842), InceptionV3 (1512.00567), InceptionV4 and InceptionResNetV2 (1602.07261): several kernels beside each other.

Each net is written as a table. A step is a pool by its name, or a convolution: (path, channels, kernel, stride, padding), where what is
left out is 1, 1 and torch's padding. A list of steps is a fork at the end of a branch; a module is (path, its branches), and a residual
one (path, its branches, their weight, the activation).
"""

from typing import Any

from keras import layers

from kclassify.models.blocks import (
    LAYOUT,
    Tensor,
    activate,
    add,
    average_pool,
    concatenate,
    convolution,
    global_pool,
    layer_name,
    max_pool,
    pad,
    unit,
)

HALF = (3, 2, "valid")  # kernel, stride, padding
EDGE = (3, 1, "valid")
SAME = {"max around": (3, 1), "max ceil 2": (2, 2)}  # the pools that Keras pads as torch does
LEFT_OUT: list[Any] = [1, 1, "torch"]


def google(c1: int, c3_in: int, c3: int, c5_in: int, c5: int, after_pool: int) -> Any:
    """GoogLeNet's module; torchvision has a 3x3 kernel where the paper has 5x5."""
    return (
        (("branch1", c1),),
        (("branch2.0", c3_in), ("branch2.1", c3, 3)),
        (("branch3.0", c5_in), ("branch3.1", c5, 3)),
        ("max around", ("branch4.1", after_pool)),
    )


def v3_square(after_pool: int) -> Any:
    """InceptionV3's module of 3x3 and 5x5 kernels."""
    return (
        (("branch1x1", 64),),
        (("branch5x5_1", 48), ("branch5x5_2", 64, 5)),
        (("branch3x3dbl_1", 64), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)),
        ("mean around", ("branch_pool", after_pool)),
    )


def v3_long(inside: int) -> Any:
    """InceptionV3's module of 1x7 and 7x1 kernels."""
    across, down = (inside, (1, 7)), (inside, (7, 1))
    return (
        (("branch1x1", 192),),
        (("branch7x7_1", inside), ("branch7x7_2", *across), ("branch7x7_3", 192, (7, 1))),
        (
            ("branch7x7dbl_1", inside),
            ("branch7x7dbl_2", *down),
            ("branch7x7dbl_3", *across),
            ("branch7x7dbl_4", *down),
            ("branch7x7dbl_5", 192, (1, 7)),
        ),
        ("mean around", ("branch_pool", 192)),
    )


def fork(path: str, channels: int) -> Any:
    """The end of a branch: two steps beside each other."""
    return [(f"{path}a", channels, (1, 3)), (f"{path}b", channels, (3, 1))]


def half(first: int, second: int, third: int) -> Any:
    """The first module that strides of the two later nets."""
    return ((("branch0", 384, *HALF),), (("branch1.0", first), ("branch1.1", second, 3), ("branch1.2", third, *HALF)), ("max",))


V3_HALF = (
    (("branch3x3", 384, *HALF),),
    (("branch3x3dbl_1", 64), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, *HALF)),
    ("max",),
)
V3_HALF_AGAIN = (
    (("branch3x3_1", 192), ("branch3x3_2", 320, *HALF)),
    (("branch7x7x3_1", 192), ("branch7x7x3_2", 192, (1, 7)), ("branch7x7x3_3", 192, (7, 1)), ("branch7x7x3_4", 192, *HALF)),
    ("max",),
)
V3_FORKED = (
    (("branch1x1", 320),),
    (("branch3x3_1", 384), fork("branch3x3_2", 384)),
    (("branch3x3dbl_1", 448), ("branch3x3dbl_2", 384, 3), fork("branch3x3dbl_3", 384)),
    ("mean around", ("branch_pool", 192)),
)

V4_EDGE = (
    (("branch0.0", 64), ("branch0.1", 96, *EDGE)),
    (("branch1.0", 64), ("branch1.1", 64, (1, 7)), ("branch1.2", 64, (7, 1)), ("branch1.3", 96, *EDGE)),
)
V4_SQUARE = (
    (("branch0", 96),),
    (("branch1.0", 64), ("branch1.1", 96, 3)),
    (("branch2.0", 64), ("branch2.1", 96, 3), ("branch2.2", 96, 3)),
    ("mean inside", ("branch3.1", 96)),
)
V4_LONG = (
    (("branch0", 384),),
    (("branch1.0", 192), ("branch1.1", 224, (1, 7)), ("branch1.2", 256, (7, 1))),
    (
        ("branch2.0", 192),
        ("branch2.1", 192, (7, 1)),
        ("branch2.2", 224, (1, 7)),
        ("branch2.3", 224, (7, 1)),
        ("branch2.4", 256, (1, 7)),
    ),
    ("mean inside", ("branch3.1", 128)),
)
V4_HALF_AGAIN = (
    (("branch0.0", 192), ("branch0.1", 192, *HALF)),
    (("branch1.0", 256), ("branch1.1", 256, (1, 7)), ("branch1.2", 320, (7, 1)), ("branch1.3", 320, *HALF)),
    ("max",),
)
V4_FORKED = (
    (("branch0", 256),),
    (("branch1_0", 384), fork("branch1_1", 256)),
    (("branch2_0", 384), ("branch2_1", 448, (3, 1)), ("branch2_2", 512, (1, 3)), fork("branch2_3", 256)),
    ("mean inside", ("branch3.1", 256)),
)

RES_FIRST = (
    (("branch0", 96),),
    (("branch1.0", 48), ("branch1.1", 64, 5)),
    (("branch2.0", 64), ("branch2.1", 96, 3), ("branch2.2", 96, 3)),
    ("mean inside", ("branch3.1", 64)),
)
RES_SQUARE = (
    (("branch0", 32),),
    (("branch1.0", 32), ("branch1.1", 32, 3)),
    (("branch2.0", 32), ("branch2.1", 48, 3), ("branch2.2", 64, 3)),
)
RES_LONG = ((("branch0", 192),), (("branch1.0", 128), ("branch1.1", 160, (1, 7)), ("branch1.2", 192, (7, 1))))
RES_HALF_AGAIN = (
    (("branch0.0", 256), ("branch0.1", 384, *HALF)),
    (("branch1.0", 256), ("branch1.1", 288, *HALF)),
    (("branch2.0", 256), ("branch2.1", 288, 3), ("branch2.2", 320, *HALF)),
    ("max",),
)
RES_LAST = ((("branch0", 192),), (("branch1.0", 192), ("branch1.1", 224, (1, 3)), ("branch1.2", 256, (3, 1))))

# The steps and modules of each size of the picture.
NETS: dict[str, Any] = {
    "googlenet": (
        (("conv1", 64, 7, 2),),
        ("max ceil 3", ("conv2", 64), ("conv3", 192, 3)),
        ("max ceil 3", ("inception3a", google(64, 96, 128, 16, 32, 32)), ("inception3b", google(128, 128, 192, 32, 96, 64))),
        (
            "max ceil 3",
            ("inception4a", google(192, 96, 208, 16, 48, 64)),
            ("inception4b", google(160, 112, 224, 24, 64, 64)),
            ("inception4c", google(128, 128, 256, 24, 64, 64)),
            ("inception4d", google(112, 144, 288, 32, 64, 64)),
            ("inception4e", google(256, 160, 320, 32, 128, 128)),
        ),
        ("max ceil 2", ("inception5a", google(256, 160, 320, 32, 128, 128)), ("inception5b", google(384, 192, 384, 48, 128, 128))),
    ),
    "v3": (
        (("Conv2d_1a_3x3", 32, *HALF), ("Conv2d_2a_3x3", 32, *EDGE), ("Conv2d_2b_3x3", 64, 3)),
        ("max", ("Conv2d_3b_1x1", 80), ("Conv2d_4a_3x3", 192, *EDGE)),
        ("max", ("Mixed_5b", v3_square(32)), ("Mixed_5c", v3_square(64)), ("Mixed_5d", v3_square(64))),
        (
            ("Mixed_6a", V3_HALF),
            *((f"Mixed_6{letter}", v3_long(inside)) for letter, inside in zip("bcde", (128, 160, 160, 192), strict=True)),
        ),
        (("Mixed_7a", V3_HALF_AGAIN), ("Mixed_7b", V3_FORKED), ("Mixed_7c", V3_FORKED)),
    ),
    "v4": (
        (("features.0", 32, *HALF), ("features.1", 32, *EDGE), ("features.2", 64, 3)),
        (("features.3", (("max",), (("conv", 96, *HALF),))), ("features.4", V4_EDGE)),
        (("features.5", ((("conv", 192, *HALF),), ("max",))), *((f"features.{number}", V4_SQUARE) for number in range(6, 10))),
        (("features.10", half(192, 224, 256)), *((f"features.{number}", V4_LONG) for number in range(11, 18))),
        (("features.18", V4_HALF_AGAIN), *((f"features.{number}", V4_FORKED) for number in range(19, 22))),
    ),
    "resnet_v2": (
        (("conv2d_1a", 32, *HALF), ("conv2d_2a", 32, *EDGE), ("conv2d_2b", 64, 3)),
        ("max", ("conv2d_3b", 80), ("conv2d_4a", 192, *EDGE)),
        ("max", ("mixed_5b", RES_FIRST), *((f"repeat.{number}", RES_SQUARE, 0.17, "relu") for number in range(10))),
        (("mixed_6a", half(256, 256, 384)), *((f"repeat_1.{number}", RES_LONG, 0.1, "relu") for number in range(20))),
        (
            ("mixed_7a", RES_HALF_AGAIN),
            *((f"repeat_2.{number}", RES_LAST, 0.2, "relu") for number in range(9)),
            ("block8", RES_LAST, 1.0, None),
            ("conv2d_7b", 1536),
        ),
    ),
}


def pool(x: Tensor, kind: str, *, name: str) -> Tensor:
    """[N, H, W, C] -> the same for the kinds "around" (torch's default) and "inside" (it counts no padding), else [N, H/2, W/2, C]."""
    name = f"{name}.pool"
    if kind in SAME:
        return layers.MaxPooling2D(*SAME[kind], padding="same", data_format=LAYOUT, name=layer_name(name))(x)
    if kind == "mean around":
        return average_pool(pad(x, 1, name=name), 3, 1, name=name)
    if kind == "mean inside":
        return average_pool(x, 3, 1, name=name, padding="same")
    if kind == "max ceil 3":  # the last window may stand over the edge of an even side
        x = layers.ZeroPadding2D(((0, 1), (0, 1)), data_format=LAYOUT, name=layer_name(f"{name}.pad"))(x)
    return max_pool(x, 3, 2, name=name, padding=0)


def step(x: Tensor, what: Any, *, prefix: str, name: str) -> Tensor:
    """A pool, a convolution with BatchNorm and ReLU, or a fork of them: [N, H, W, C] -> [N, H/stride, W/stride, C']."""
    if isinstance(what, str):
        return pool(x, what, name=name)
    if isinstance(what, list):
        return concatenate([step(x, part, prefix=prefix, name=name) for part in what], name=f"{prefix}{what[0][0]}")
    path, channels, *more = what
    settings = [*more, *LEFT_OUT[len(more) :]]
    kernel, stride, padding = settings
    return unit(x, channels, kernel, stride, padding=padding, name=f"{prefix}{path}", epsilon=1e-3)


def mixed(x: Tensor, name: str, branches: Any, weight: float = 0.0, activation: str | None = None) -> Tensor:
    """The module's branches beside each other: [N, H, W, C] -> [N, H/stride, W/stride, C'], or added to the rest with their `weight`."""
    ends = []
    for branch in branches:
        y = x
        for what in branch:
            y = step(y, what, prefix=f"{name}.", name=name)
        ends.append(y)
    y = concatenate(ends, name=name)
    if not weight:
        return y
    y = convolution(y, x.shape[-1], name=f"{name}.conv2d", bias=True)  # [N, H, W, C]
    return activate(add(y * weight, x, name=name), activation, name=f"{name}.add")


def build(x: Tensor, *, net: str) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> five maps and features [N, C] of the `net` "googlenet", "v3", "v4" or "resnet_v2"."""
    pyramid: list[Tensor] = []
    for number, size in enumerate(NETS[net]):
        for part in size:
            plain = isinstance(part, str) or isinstance(part[1], int)
            x = step(x, part, prefix="", name=f"size{number}") if plain else mixed(x, *part)
        pyramid.append(x)  # [N, H/2, W/2, 64] to [N, H/32, W/32, C]
    return pyramid, global_pool(x)  # [N, C]
