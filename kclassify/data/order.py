"""Order and randomness as functions: which sample comes at which step, and every random number that it uses.

A sample's number counts all samples of a run: epoch * samples + position. Whatever is random about it is a row of one endless table,
found by (seed, number). So a run resumes from one integer, and neither threads nor devices can change what it sees.
"""

import zlib

import tensorflow as tf

COLUMNS = 32  # random numbers a sample for its crop and flip
_PHILOX = 1
_PER_COUNTER = 4  # numbers of 32 bits that Philox makes at a time
_ROUNDS = 8  # with TensorFlow's default of 4, neighbours in the shuffled order are correlated (0.05 at lag 1)


def uniforms(seed: int, first_number: tf.Tensor, count: int, *, table: str = "", columns: int = COLUMNS) -> tf.Tensor:
    """Rows `first_number` to `first_number + count` of a table of random numbers of `seed`.

    A table is a Philox 4x32 stream (Salmon et al., SC 2011), a whole number of counters to a row. Every user of random numbers has a
    `table` of its own by name, so that one augmentation more or less changes nothing for the others.

    Returns:
        float32 [count, columns], uniform in [0, 1).
    """
    shape, counter = _place(first_number, count, table, columns)
    numbers = tf.raw_ops.StatelessRandomUniformV2(shape=shape, key=_key(seed), counter=counter, alg=_PHILOX)
    return numbers[:, :columns]


def _key(seed: int) -> tf.Tensor:
    return tf.constant([seed], tf.uint64)


def _place(first_number: tf.Tensor, count: int, table: str, columns: int) -> tuple[list[int], tf.Tensor]:
    """Shape of the rows, filled up to whole counters, and the counter of the first one; the upper half of a counter names the table."""
    counters = -(-columns // _PER_COUNTER)
    start = tf.cast(first_number, tf.int64) * counters
    return [count, counters * _PER_COUNTER], tf.stack([tf.cast(start, tf.uint64), tf.constant(zlib.crc32(table.encode()), tf.uint64)])


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
