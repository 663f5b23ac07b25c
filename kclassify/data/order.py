"""Order and randomness as functions: which sample comes at which step, and every random number that it uses.

A sample's number counts all samples of a run: epoch * samples + position. Whatever is random about it is a row of one endless table,
found by (seed, number). So a run resumes from one integer, and neither threads nor devices can change what it sees.
"""

import tensorflow as tf

COLUMNS = 32  # random numbers a sample; a multiple of 4, for Philox makes four at a time
_PHILOX = 1
_ROUNDS = 8  # with TensorFlow's default of 4, neighbours in the shuffled order are correlated (0.05 at lag 1)


def uniforms(seed: int, first_number: tf.Tensor, count: int) -> tf.Tensor:
    """Rows `first_number` to `first_number + count` of the table of random numbers of `seed`.

    The table is the Philox 4x32 stream (Salmon et al., SC 2011), eight counters to a row.

    Returns:
        float32 [count, COLUMNS], uniform in [0, 1).
    """
    counter = tf.stack([tf.cast(first_number * (COLUMNS // 4), tf.uint64), tf.constant(0, tf.uint64)])
    key = tf.constant([seed], tf.uint64)
    return tf.raw_ops.StatelessRandomUniformV2(shape=[count, COLUMNS], key=key, counter=counter, alg=_PHILOX)


def shuffled(seed: int, epoch: tf.Tensor, positions: tf.Tensor, samples: int) -> tf.Tensor:
    """The samples at `positions` of the epoch's order: a permutation of 0..samples-1 that depends on seed and epoch alone.

    Args:
        positions: int64 [n], each in 0..samples-1.

    Returns:
        int64 [n].
    """
    seeds = tf.stack([tf.constant(seed, tf.int64), tf.cast(epoch, tf.int64), tf.constant(0, tf.int64)])
    rows = tf.broadcast_to(seeds[None], [tf.shape(positions)[0], 3])
    largest = tf.fill(tf.shape(positions), tf.constant(samples - 1, tf.int64))
    return tf.raw_ops.RandomIndexShuffle(index=positions, seed=rows, max_index=largest, rounds=_ROUNDS)
