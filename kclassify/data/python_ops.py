"""Python functions inside a tf.data graph, for what TensorFlow has no operator for; none of them can hold up the end of the process."""

import atexit
import threading
import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

_QUIET_SECONDS, _LONGEST_SECONDS = 0.05, 5.0
_lock = threading.Lock()
# For functions of tf.data without a condition or loop on a tensor: rewriting them, and all that they call, takes seconds of every start.
as_written = tf.autograph.experimental.do_not_convert
_calls = {"running": 0, "closing": False, "last": 0.0}


def python_op(function: Callable[..., Any], inputs: list[tf.Tensor], dtype: tf.DType) -> tf.Tensor:
    """`tf.numpy_function` of a function without state.

    A thread of tf.data that asks for the interpreter while that is being torn down waits for ever, and TensorFlow waits for the thread.
    So before the end calls are refused, and the last ones waited for.
    """

    def call(*arguments: Any) -> Any:
        with _lock:
            if _calls["closing"]:
                raise RuntimeError("the process is ending")
            _calls["running"] += 1
        try:
            return function(*arguments)
        finally:
            with _lock:
                _calls["running"] -= 1
                _calls["last"] = time.monotonic()

    return tf.numpy_function(call, inputs, dtype, stateful=False)


@atexit.register
def _close() -> None:
    began = time.monotonic()
    _calls["closing"] = True
    while time.monotonic() - began < _LONGEST_SECONDS:
        if not _calls["running"] and time.monotonic() - max(_calls["last"], began if _calls["last"] else 0.0) > _QUIET_SECONDS:
            return
        time.sleep(0.01)
