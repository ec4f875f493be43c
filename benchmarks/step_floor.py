"""What no step of TensorFlow on a machine is without."""

import keras
import tensorflow as tf

from peers.setting import Setting

# Passes over a weight's size that an update cannot do without: it reads weight,
# gradient and slots, and writes all but the gradient. Plain descent takes 3.
PASSES = {"rmsprop": 5, "adam": 7}
DESCENT = 3


class Floor:
    """The classifier's products and a pass of the update.

    Args:
        setting: Sizes and training.
        in_batches: Whether gradients are products in a batch of one, which
            TensorFlow is faster in; else those of `tf.matmul`.
    """

    def __init__(self, setting: Setting, in_batches: bool = False):
        self._in_batches = in_batches
        batch, width = setting.batch_size, setting.width
        dtype = keras.config.dtype_policy().compute_dtype
        shape = (width, setting.num_classes)
        self._x = tf.cast(tf.random.normal((batch, width)), dtype)
        self._y = tf.cast(tf.random.normal((batch, shape[1])), dtype)
        self._weight = tf.Variable(tf.fill(shape, 0.01))
        self._kernel = tf.cast(self._weight, dtype)
        self._slope = tf.fill(shape, 1.0)
        self._passes = PASSES[setting.optimizer] / DESCENT
        self._forward = tf.function(lambda: tf.matmul(self._x, self._kernel))
        self._gradients = tf.function(self._products)
        self._descent = tf.function(self._descend)

    def forward(self):
        """The classifier's product."""
        self._run(self._forward)

    def gradients(self):
        """The product, and those with the gradients."""
        self._run(self._gradients)

    def step(self):
        """Plain descent alone; `add_passes` makes the floor's step of it."""
        self._run(self._descent)

    def add_passes(self, medians: dict[str, float]):
        """Puts what a whole step takes in the place of what descent took."""
        passes = medians["step"] * self._passes
        medians["step"] = medians["gradients"] + passes

    def _products(self):
        x, y, kernel = self._x, self._y, self._kernel
        product = tf.matmul(x, kernel)
        if self._in_batches:
            x, y, kernel = x[None], y[None], kernel[None]
        of_kernel = tf.matmul(x, y, transpose_a=True)
        return product, of_kernel, tf.matmul(y, kernel, transpose_b=True)

    def _descend(self):
        tf.raw_ops.ResourceApplyGradientDescent(
            var=self._weight.handle, alpha=1e-6, delta=self._slope
        )

    def _run(self, function):
        function()
        tf.test.experimental.sync_devices()
