"""A teacher beside the model that trains: both see the same pictures, and the loss reads both."""

from typing import Any

import keras
from keras import ops

from kclassify import presets, reference
from kclassify.config import DistillConfig
from kclassify.errors import ModelError
from kclassify.models.head import logits_model
from kclassify.training.initial import draw_layer


def open_teacher(config: DistillConfig, class_names: tuple[str, ...]) -> keras.Model:
    """The teacher as a model of two outputs: its logits [n, classes], in the order of `class_names`, and its pooled features [n, C].

    Raises:
        ModelError: it knows other classes or is for several labels a picture, and its logits have a weight.
    """
    model, card = reference.open_keras(reference.find(config.teacher or ""), classifier=bool(config.weight))
    if config.weight and card.multi_label:
        raise ModelError(
            f"distill.teacher '{config.teacher}' is for several labels a picture: its answers are no probabilities of one.\n"
            "Its features can teach: --set distill.weight=0 --set distill.features=1"
        )
    if config.weight and card.class_names != class_names:
        raise ModelError(
            f"distill.teacher '{config.teacher}' knows {len(card.class_names)} classes ({', '.join(card.class_names[:3])} ...), "
            f"the data has {len(class_names)} ({', '.join(class_names[:3])} ...). Expected the same ones.\n"
            "Its features alone can teach any classes: --set distill.weight=0 --set distill.features=1"
        )
    logits = logits_model(model).output
    teacher = keras.Model(model.input, [logits, _features(model, presets.get(card.preset).heads[0])], name="teacher")
    teacher.trainable = False
    return teacher


def with_teacher(student: keras.Model, teacher: keras.Model, config: DistillConfig, *, head: str, seed: int) -> keras.Model:
    """A model of both: float32 RGB [n, H, W, 3] -> the student's logits, the teacher's if they have a weight, and if features have one,
    the cosine between the teacher's features and a learned projection of the student's: [n, classes (+ classes) (+ 1)].

    A teacher of another image size gets the pictures resized. `head` is the torch path of the student's last layer.
    """
    image: Any = student.input
    size = teacher.input_shape[1:3]
    seen = image if size in (image.shape[1:3], (None, None)) else keras.layers.Resizing(*size, dtype="float32", name="for-teacher")(image)
    logits, features = teacher(seen, training=False)
    outputs = [student.output, *([logits] if config.weight else [])]
    if config.features:
        projection = keras.layers.Dense(features.shape[-1], use_bias=False, dtype="float32", name="distill-projection")
        projected = projection(_features(student, head))
        draw_layer(projection, seed)
        outputs.append(keras.layers.Dot(axes=-1, normalize=True, dtype="float32", name="cosine")([projected, features]))
    if len(outputs) == 1:
        return student
    return keras.Model(image, keras.layers.Concatenate(dtype="float32", name="student-and-teacher")(outputs), name=student.name)


def _features(model: keras.Model, head: str) -> Any:
    """What goes into a model's last layer, before dropout: [n, C]."""
    names = [layer.name for layer in model.layers]
    features = model.get_layer("dropout" if "dropout" in names else head.replace(".", "-")).input
    return features if len(features.shape) == 2 else ops.mean(features, (1, 2))
