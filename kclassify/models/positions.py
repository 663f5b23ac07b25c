"""Position tables of another size: learned numbers for each place of a picture, or each offset in a window, resized as timm does."""

import math

import numpy as np

TOKENS = 2  # at most: of the class and of the teacher


def bicubic(old: int, new: int) -> np.ndarray:
    """[new, old] weights of bicubic resampling with antialiasing: Keys' kernel with a = -0.5, as Pillow and torch's `antialias` have it."""
    ratio = old / new
    distance = np.abs((np.arange(new)[:, None] + 0.5) * ratio - np.arange(old) - 0.5) / max(ratio, 1)
    near, far = (1.5 * distance - 2.5) * distance**2 + 1, ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    kernel = np.where(distance < 1, near, np.where(distance < 2, far, 0))
    return kernel / kernel.sum(axis=1, keepdims=True)


def geometric(old: int, new: int) -> np.ndarray:
    """[new, old] weights between offsets, both odd: the old ones are spread over the new with gaps that grow by a factor from the middle.

    So the offset of a neighbour keeps its number (BEiT's way, arXiv 2106.08254). Linear between the old ones.
    """
    low, high = 1.01, 1.5
    while high - low > 1e-6:
        factor = (low + high) / 2
        longer = (1 - factor ** (old // 2)) / (1 - factor) > new // 2
        low, high = (low, factor) if longer else (factor, high)
    half = np.cumsum(((low + high) / 2) ** np.arange(old // 2))
    places = np.concatenate([-half[::-1], [0], half])
    return np.stack([np.interp(np.arange(new) - new // 2, places, unit) for unit in np.eye(old)], axis=1)


def distances(tensor: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """[heads, places] with a number for each distance of two places of a square map -> that of another, or as it is if one is no square.

    These are the offsets of `geometric` from the middle on.
    """
    old, new = math.isqrt(tensor.shape[-1]), math.isqrt(shape[-1])
    if (old**2, new**2, tensor.shape[0]) != (tensor.shape[-1], shape[-1], shape[0]):
        return tensor
    way = geometric(2 * old - 1, 2 * new - 1)[new - 1 :, old - 1 :]
    return np.einsum("yh,xw,nhw->nyx", way, way, tensor.reshape(-1, old, old)).astype(tensor.dtype).reshape(shape)


def fit(name: str, tensor: np.ndarray, shape: tuple[int, ...], grid: tuple[int, int] | None = None) -> np.ndarray:
    """The tensor of a torch state dict, resized if it is a position table and the model's has this `shape`; everything else as it is.

    "pos_embed" (or "patch_pos") is [1, tokens + places, C], whose tokens keep their numbers and whose places become `grid` (rows, columns;
    a square for None), "relative_position_bias_table" is [offsets, heads] of a square window or [heads, offsets, offsets], and
    "attention_biases" are those of `distances`. A table that cannot be resized stays as it is.
    """
    leaf = name.rpartition(".")[2]
    if leaf == "attention_biases" and tensor.ndim == len(shape) == 2 and tensor.shape != shape:
        return distances(tensor, shape)
    if leaf == "relative_position_bias_table" and tensor.ndim == len(shape) == 3 and len({*shape[1:]}) == len({*tensor.shape[1:]}) == 1:
        flat = fit(name, tensor.reshape(len(tensor), -1).T, (shape[1] ** 2, shape[0]))
        return flat.T.reshape(len(tensor), *shape[1:]) if len(flat) == shape[1] ** 2 else tensor
    way = {"pos_embed": bicubic, "patch_pos": bicubic, "relative_position_bias_table": geometric}.get(leaf)
    if way is None or tensor.shape == shape or tensor.ndim != len(shape) or tensor.shape[-1] != shape[-1]:
        return tensor
    old, new = tensor.shape[-2], shape[-2]
    rows, columns = grid if grid and way is bicubic else (math.isqrt(new), math.isqrt(new))
    tokens = new - rows * columns
    side = math.isqrt(max(old - tokens, 0))
    if side**2 != old - tokens or not 0 <= tokens <= TOKENS or (way is geometric and (tokens or not rows % 2 or not side % 2)):
        return tensor
    flat = tensor.reshape(old, -1)
    square = flat[tokens:].reshape(side, side, -1)
    places = np.einsum("yh,xw,hwc->yxc", way(side, rows), way(side, columns), square).reshape(rows * columns, -1)
    return np.concatenate([flat[:tokens], places]).astype(tensor.dtype).reshape(shape)
