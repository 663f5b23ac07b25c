"""A teacher beside the model that trains: both see the same pictures, and the loss reads both."""

from typing import Any

import keras

from kclassify import reference
from kclassify.errors import ModelError
from kclassify.models.bundle import logits_model


def open_teacher(text: str, class_names: tuple[str, ...]) -> keras.Model:
    """The logits model of a preset, run or model file, its classes in the order of `class_names`.

    Raises:
        ModelError: it knows other classes.
    """
    model, card = reference.open_keras(reference.find(text))
    if card.class_names != class_names:
        raise ModelError(
            f"distill.teacher '{text}' knows {len(card.class_names)} classes ({', '.join(card.class_names[:3])} ...), "
            f"the data has {len(class_names)} ({', '.join(class_names[:3])} ...). Expected the same ones."
        )
    teacher = logits_model(model)
    teacher.trainable = False
    return teacher


def with_teacher(student: keras.Model, teacher: keras.Model) -> keras.Model:
    """A model of both: float32 RGB [n, H, W, 3] -> [n, 2 x classes], the student's logits, then the teacher's."""
    image: Any = student.input
    taught = teacher(image, training=False)
    joined = keras.layers.Concatenate(dtype="float32", name="student-and-teacher")([student.output, taught])
    return keras.Model(image, joined, name=student.name)
