"""AlexNet (NeurIPS 2012; its form for one GPU, arXiv 1404.5997), as torchvision has it."""

from keras import layers

from kclassify.errors import UsageError
from kclassify.models.blocks import LAYOUT, Tensor, activate, convolution, fixed_size, layer_name
from kclassify.models.tokens import dense

# Of each convolution: its place in torch's list, channels, kernel, stride, padding, and whether a pool follows.
CONVOLUTIONS = (
    (0, 64, 11, 4, 2, True),
    (3, 192, 5, 1, 2, True),
    (6, 384, 3, 1, 1, False),
    (8, 256, 3, 1, 1, False),
    (10, 256, 3, 1, 1, True),
)


def build(x: Tensor) -> tuple[list[Tensor], Tensor]:
    """Normalised [N, H, W, 3] -> three maps and features [N, 4096]. Raises UsageError for sides other than 224."""
    if fixed_size(x) != (224, 224):
        raise UsageError(f"Unusable input_shape: {tuple(x.shape[1:])}. Expected (224, 224, 3) for AlexNet.")
    pyramid = []
    for number, channels, kernel, stride, padding, pooled in CONVOLUTIONS:
        name = f"features.{number}"
        x = activate(convolution(x, channels, kernel, stride, name=name, padding=padding, bias=True), "relu", name=name)
        if pooled:
            pyramid.append(x)  # [N, 55, 55, 64], [N, 27, 27, 192], [N, 13, 13, 256]
            x = layers.MaxPooling2D(3, 2, data_format=LAYOUT, name=layer_name(f"features.{number}.pool"))(x)
    x = layers.Permute((3, 1, 2), name="classifier-1-permute")(x)  # torch flattens channels first
    x = layers.Flatten(name="classifier-1-flatten")(x)  # [N, 9216]
    for name in ("classifier.1", "classifier.4"):
        x = layers.Dropout(0.5, seed=0, name=layer_name(f"{name}.dropout"))(x)
        x = activate(dense(x, 4096, name=name), "relu", name=name)
    return pyramid, x
