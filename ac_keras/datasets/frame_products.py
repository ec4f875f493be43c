"""The frame CNN as few, large products, for training it and for features.

A convolution of one channel and ten filters is narrow: a processor computes
few numbers at once and waits for memory. Here a kernel at all places of a
window is one wide kernel: the first convolution's, at 4 x 4 places of 8 x 8
pixels, has 160 outputs every four pixels; the second's, at 2 x 2 places, 80
every two. That is 2.6 and 1.4 times the arithmetic, in a shape that processors
are several times faster at. Max pooling is then a maximum over outputs, and
comes before bias and ReLU, to which that makes no difference.

Meant for functions that XLA compiles; without it little is gained.
"""

import tensorflow as tf

SIDE = 28  # pixels
_CELLS = 6  # along a side; a cell is 4 x 4 pixels, 2 x 2 after pooling
_CELL = 4
_KERNEL = 5


def frame_features(weights: list[tf.Tensor], frames: tf.Tensor) -> tf.Tensor:
    """Gives what the layer `features` of `frame_cnn` gives.

    Args:
        weights: Those of `ac_keras.models.frame_cnn`, kernels and biases in
            the layers' order.
        frames: uint8 `(batch, 28, 28)`.

    Returns:
        float32 `(batch, dim)`.
    """
    kernel_1, bias_1, kernel_2, bias_2, kernel_3, bias_3 = weights[:6]
    pixels = tf.cast(frames, tf.float32) * (1 / 255)
    cells = tf.matmul(_windows(pixels), _wide_first(kernel_1))
    # (place in the cell after pooling, filter) remain.
    cells = tf.nn.relu(_pool(cells, 4) + tf.tile(bias_1, [4]))
    cells = tf.reshape(cells, (-1, _CELLS, _CELLS, cells.shape[1]))
    blocks = _convolve(cells, _wide_second(kernel_2))
    blocks = tf.reshape(blocks, (-1, blocks.shape[3]))
    blocks = tf.nn.relu(_pool(blocks, 4) + bias_2)
    flat = tf.reshape(blocks, (-1, kernel_3.shape[0]))
    return tf.nn.relu(tf.matmul(flat, kernel_3) + bias_3)


def frame_logits(weights: list[tf.Tensor], frames: tf.Tensor) -> tf.Tensor:
    """Gives the logarithms of `frame_cnn`'s probabilities, but for a constant.

    Args:
        weights: As for `frame_features`.
        frames: uint8 `(batch, 28, 28)`.

    Returns:
        float32 `(batch, num_classes)`.
    """
    kernel, bias = weights[6:]
    return tf.matmul(frame_features(weights, frames), kernel) + bias


def _windows(pixels: tf.Tensor) -> tf.Tensor:
    """Takes the 8 x 8 pixels from every fourth on, `(batch * 36, 64)`."""
    cells = tf.reshape(pixels, (-1, SIDE // _CELL, _CELL, SIDE // _CELL, _CELL))
    rows = tf.concat([cells[:, :-1], cells[:, 1:]], 2)
    windows = tf.concat([rows[:, :, :, :-1], rows[:, :, :, 1:]], 4)
    return tf.reshape(tf.transpose(windows, (0, 1, 3, 2, 4)), (-1, 64))


def _wide_first(kernel: tf.Tensor) -> tf.Tensor:
    """Lays a kernel `(5, 5, 1, filters)` at 4 x 4 places, `(64, 16 filters)`.

    Outputs are in the order (place in the pool, place of the pool, filter).
    """
    places = [
        (2 * pool_y + y, 2 * pool_x + x)
        for y in range(2)
        for x in range(2)
        for pool_y in range(2)
        for pool_x in range(2)
    ]
    return tf.reshape(_laid(kernel, places, 8), (64, -1))


def _wide_second(kernel: tf.Tensor) -> tf.Tensor:
    """Lays a kernel `(5, 5, channels, filters)` at 2 x 2 places.

    Returns:
        A kernel over cells, `(3, 3, 4 channels, 4 filters)`.
    """
    places = [(y, x) for y in range(2) for x in range(2)]
    laid = _laid(kernel, places, 6)
    channels, wide = kernel.shape[2], 4 * kernel.shape[3]
    laid = tf.reshape(laid, (3, 2, 3, 2, channels, wide))
    laid = tf.transpose(laid, (0, 2, 1, 3, 4, 5))
    return tf.reshape(laid, (3, 3, 4 * channels, wide))


@tf.custom_gradient
def _convolve(cells, kernel):
    """Convolves 6 x 6 cells with a 3 x 3 kernel, to 4 x 4 blocks.

    XLA's own gradients of a convolution are ten times slower on a processor
    than these products.
    """
    channels, filters = kernel.shape[2:]
    offsets = [(y, x) for y in range(3) for x in range(3)]

    def gradients(upstream):
        blocks = tf.reshape(upstream, (-1, filters))
        windows = [cells[:, y : y + 4, x : x + 4] for y, x in offsets]
        windows = tf.reshape(tf.concat(windows, 3), (-1, 9 * channels))
        of_kernel = tf.matmul(windows, blocks, transpose_a=True)
        flat = tf.reshape(kernel, (9 * channels, filters))
        of_windows = tf.matmul(blocks, flat, transpose_b=True)
        of_windows = tf.reshape(of_windows, (-1, 4, 4, 9, channels))
        of_cells = [
            tf.pad(
                of_windows[:, :, :, number],
                ((0, 0), (y, 2 - y), (x, 2 - x), (0, 0)),
            )
            for number, (y, x) in enumerate(offsets)
        ]
        return tf.add_n(of_cells), tf.reshape(of_kernel, kernel.shape)

    return tf.nn.conv2d(cells, kernel, 1, "VALID"), gradients


def _laid(kernel, places, side):
    """Gives the kernel at each place of a window, one after the other.

    Returns:
        `(side, side, channels, places, filters)`.
    """
    room = side - _KERNEL
    laid = [
        tf.pad(kernel, ((y, room - y), (x, room - x), (0, 0), (0, 0)))
        for y, x in places
    ]
    return tf.stack(laid, 3)


def _pool(outputs, count):
    """Gives the maximum over the first of the outputs' axes."""
    outputs = tf.reshape(outputs, (-1, count, outputs.shape[1] // count))
    return tf.reduce_max(outputs, 1)
