"""ONNX: one file from pixels to probabilities, written from the Keras model and run by onnxruntime without TensorFlow."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from kclassify.errors import DataError, ModelError
from kclassify.formats.quiet import quiet
from kclassify.predictor import Predictor
from kclassify.presets.card import ModelCard, Preprocessing
from kclassify.processors import processors

OPSET, IR_VERSION = 18, 8  # 18 is the newest that tf2onnx writes, 8 is the file format that came with it
HINT = "Write a new one with: kclassify export RUN --format onnx"
MODES = {"bilinear": "linear", "bicubic": "cubic"}
LARGE_WEIGHT = 2**18  # numbers: 1 MB in float32
MOST_BYTES = 2**31 - 2**24  # of weights; protobuf ends at 2**31
MOST_RESIZED_PIXELS = 2**26  # 0.8 GB in float32; the operator resizes all of a picture before the crop


def save(model: Any, card: ModelCard, path: Path) -> None:
    """Write `path`: `pixels`, uint8 [N, H, W, 3] of any H and W, to `probabilities`, float32 [N, classes].

    The metadata holds the card under `kclassify` and the names under `class_names`, as JSON. The tensor between the two halves is called
    `image`, float32 [N, 3, size, size] in 0..255; `onnx.utils.extract_model` cuts there for engines without antialiased Resize.
    A model whose weights one such file cannot hold is a ModelError.
    """
    import onnx

    weights = 4 * model.count_params()
    if weights > MOST_BYTES:
        raise ModelError(
            f"{path.name}: {card.preset} has {weights / 1e9:.2f} GB of weights, and an ONNX file holds less than {MOST_BYTES / 1e9:.2f}.\n"
            "Type instead: kclassify export RUN --format saved_model"
        )
    core = convert(model, card.preprocessing.size)
    whole = onnx.compose.merge_models(preprocessing_model(card.preprocessing), core, io_map=[("image", "image")], producer_name="kclassify")
    whole.graph.name = card.preset
    classes = len(card.class_names)
    whole.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, ["N", classes]))
    del whole.graph.value_info[:]
    onnx.helper.set_model_props(whole, {"kclassify": card.to_json(), "class_names": json.dumps(card.class_names, ensure_ascii=False)})
    onnx.checker.check_model(whole, full_check=True)
    path.write_bytes(whole.SerializeToString())


def convert(model: Any, size: int) -> Any:
    """The Keras model alone as an ONNX model: `image`, float32 [N, 3, size, size] in 0..255, to `probabilities`.

    TensorFlow and tf2onnx hold what is in a graph some thirty times over: large weights are inputs to them, and get into the graph after.
    """
    import keras
    import tensorflow as tf
    import tf2onnx

    large = {f"weight_{i}": weight for i, weight in enumerate(model.weights) if math.prod(weight.shape) >= LARGE_WEIGHT}
    image = tf.TensorSpec([None, size, size, 3], tf.float32, name="image")
    inputs = {name: tf.TensorSpec(weight.shape, weight.dtype, name=name) for name, weight in large.items()}

    @tf.function(input_signature=[image, inputs])
    def forward(image: Any, values: dict[str, Any]) -> dict[str, Any]:
        with keras.StatelessScope([(weight, values[name]) for name, weight in large.items()]):
            return {"probabilities": tf.cast(model(image, training=False), tf.float32)}

    with quiet("tf2onnx", "tensorflow"), plain_grouped_convolutions():
        core, _ = tf2onnx.convert.from_function(
            forward, forward.input_signature, opset=OPSET, inputs_as_nchw=["image"], custom_op_handlers={"Erfc": (write_erfc, [])}
        )
    make_constants(core.graph, {name: keras.ops.convert_to_numpy(weight) for name, weight in large.items()})
    return core


def make_constants(graph: Any, values: dict[str, np.ndarray]) -> None:
    """Turn the inputs of `graph` that `values` names into constants, and what nodes make of constants alone: transposes, mostly."""
    from onnx import numpy_helper
    from onnx.reference import ReferenceEvaluator

    given = {tensor.name: tensor for tensor in graph.initializer}
    known = dict(values)
    nodes = []
    for node in graph.node:
        if known.keys() & node.input and all(name in known or name in given for name in node.input):
            feeds = {name: known[name] if name in known else numpy_helper.to_array(given[name]) for name in node.input}
            outputs: Any = ReferenceEvaluator(node, opsets={"": OPSET}).run(None, feeds)
            known.update(zip(node.output, outputs, strict=True))
        else:
            nodes.append(node)
    used = {name for node in nodes for name in node.input}
    inputs = [value for value in graph.input if value.name not in values]
    constants = [tensor for tensor in graph.initializer if tensor.name in used]
    constants += [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in known.items() if name in used]
    for field, items in ((graph.node, nodes), (graph.input, inputs), (graph.initializer, constants)):
        kept = list(items)
        del field[:]
        field.extend(kept)


def write_erfc(graph: Any, node: Any, name: str, _: Any) -> None:
    """Write `erfc(x)`, which TensorFlow's exact GELU computes and ONNX lacks, as `1 - erf(x)`."""
    one = graph.make_const(f"{name}/one", np.array(1, np.float32)).output[0]
    erf = graph.make_node("Erf", node.input).output[0]
    graph.remove_node(node.name)
    graph.make_node("Sub", [one, erf], outputs=node.output, name=name)


@contextmanager
def plain_grouped_convolutions() -> Iterator[None]:
    """While it lasts, `@tf.function(jit_compile=True)` changes nothing.

    Keras wraps each grouped convolution in that decorator, and tf2onnx writes the wrapper as a call that no engine knows.
    """
    import tensorflow as tf

    original = tf.function

    def function(*arguments: Any, **options: Any) -> Any:
        if not arguments and options == {"jit_compile": True}:
            return lambda plain: plain
        return original(*arguments, **options)

    tf.function = function
    try:
        yield
    finally:
        tf.function = original


def preprocessing_model(spec: Preprocessing) -> Any:
    """`kclassify.data.preprocess` as an ONNX model: `pixels`, uint8 [N, H, W, 3], to `image`, float32 [N, 3, size, size].

    `Resize` equals `tf.image.resize(antialias=True)` only with `exclude_outside=1`; sizes are whole-number arithmetic in the graph.
    """
    from onnx import TensorProto, helper

    def node(operator: str, inputs: list[str], output: str, **attributes: Any) -> Any:
        return helper.make_node(operator, inputs, [output], name=f"preprocess/{operator}/{output}", **attributes)

    def whole(name: str, values: list[int]) -> Any:
        return helper.make_tensor(name, TensorProto.INT64, [len(values)], values)

    antialiased = {"antialias": 1, "exclude_outside": 1, "cubic_coeff_a": -0.5, "coordinate_transformation_mode": "half_pixel"}
    nodes = [
        node("Shape", ["pixels"], "pre/sides", start=1, end=3),  # [H, W]
        node("ReduceMin", ["pre/sides"], "pre/short", keepdims=1),
        node("Mul", ["pre/sides", "pre/resize_short"], "pre/product"),
        node("Div", ["pre/product", "pre/short"], "pre/target"),  # [h, w]
        node("Sub", ["pre/target", "pre/size"], "pre/spare"),
        node("Div", ["pre/spare", "pre/two"], "pre/start"),
        node("Add", ["pre/start", "pre/size"], "pre/end"),
        node("Transpose", ["pixels"], "pre/planes", perm=[0, 3, 1, 2]),  # [N, 3, H, W]
        node("Cast", ["pre/planes"], "pre/float", to=TensorProto.FLOAT),
        node("Resize", ["pre/float", "", "", "pre/target"], "pre/resized", mode=MODES[spec.interpolation], axes=[2, 3], **antialiased),
        node("Slice", ["pre/resized", "pre/start", "pre/end", "pre/axes"], "pre/crop"),  # [N, 3, size, size]
        node("Round", ["pre/crop"], "pre/rounded"),
        node("Clip", ["pre/rounded", "pre/low", "pre/high"], "image"),
    ]
    constants = [
        whole("pre/resize_short", [spec.resize_short]),
        whole("pre/size", [spec.size]),
        whole("pre/two", [2]),
        whole("pre/axes", [2, 3]),
    ]
    constants += [helper.make_tensor(name, TensorProto.FLOAT, [], [value]) for name, value in (("pre/low", 0.0), ("pre/high", 255.0))]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", "H", "W", 3])
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, spec.size, spec.size])
    graph = helper.make_graph(nodes, "preprocess", [pixels], [image], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def load(path: Path, *, threads: int | None = None) -> Predictor:
    """Open a file that `save` wrote, for `threads` CPU threads (default: all that it may use); a damaged or foreign one is a ModelError."""
    import onnx
    import onnxruntime

    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}). {HINT}") from error
    try:
        card = read_card(onnx.ModelProto.FromString(content), path)
        session = onnxruntime.InferenceSession(content, session_options(threads), providers=["CPUExecutionProvider"])
    except ModelError:
        raise
    except Exception as error:  # protobuf and onnxruntime raise many unrelated types for a damaged file
        raise ModelError(
            f"{path}: this ONNX file is damaged or uses what onnxruntime does not know ({type(error).__name__}). {HINT}"
        ) from error

    def forward(pixels: np.ndarray) -> np.ndarray:
        refuse_elongated(pixels, card.preprocessing, path)
        try:
            return session.run(["probabilities"], {"pixels": pixels})[0]
        except Exception as error:  # see above
            raise ModelError(
                f"{path}: onnxruntime stopped on pixels {pixels.dtype} {list(pixels.shape)} ({type(error).__name__})."
            ) from error

    return Predictor(path.name, card, forward)


def detect(path: Path) -> bool:
    """Whether `path` is an ONNX file: by its name, or by the field numbers that such a file begins with."""
    if not path.is_file():
        return False
    if path.suffix == ".onnx":
        return True
    with path.open("rb") as file:
        start = file.read(3)
    return len(start) == 3 and start[0] == 0x08 and start[1] < 32 and start[2] in (0x12, 0x1A, 0x22, 0x3A, 0x42)


def read_card(proto: Any, path: Path) -> ModelCard:
    """The card in the metadata; a file without one, or one that names other files, raises ModelError."""
    texts = {entry.key: entry.value for entry in proto.metadata_props}
    if "kclassify" not in texts:
        raise ModelError(f"{path}: no kclassify card inside, so class names and preprocessing are unknown. {HINT}")
    if any(tensor.external_data for tensor in tensors(proto)):
        raise ModelError(f"{path}: refused, because it takes weights from other files; kclassify writes one file. {HINT}")
    return ModelCard.from_json(texts["kclassify"], str(path))


def tensors(proto: Any) -> Iterator[Any]:
    """Every tensor in a protobuf message, at any depth: initializers, attributes, subgraphs, functions."""
    if proto.DESCRIPTOR.name == "TensorProto":
        yield proto
        return
    for field, value in proto.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for item in value if field.is_repeated else [value]:
                yield from tensors(item)


def session_options(threads: int | None) -> Any:
    """Options for a process that shares its machine: no spinning threads, no log lines of its own."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or processors()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    return options


def refuse_elongated(pixels: np.ndarray, spec: Preprocessing, path: Path) -> None:
    """Raise DataError for a batch so large after the resize that it would exhaust memory (a 1 x 65535 picture, say)."""
    count, height, width = pixels.shape[:3]
    resized = count * spec.resize_short**2 * max(height, width) // max(1, min(height, width))
    if resized > MOST_RESIZED_PIXELS:
        raise DataError(
            f"{path}: {count} picture(s) of {width}x{height} would take {resized / 1e6:.0f} megapixels after the resize; crop them first."
        )
