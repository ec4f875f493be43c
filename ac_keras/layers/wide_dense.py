"""A dense layer for many more inputs than outputs."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="ac_keras")
class WideDense(keras.layers.Dense):
    """`keras.layers.Dense` with faster gradients for wide inputs.

    On CPUs, TensorFlow computes a product with a transposed matrix more slowly
    than the same product in a batch of one. This layer computes both products
    of the gradient in such batches. Outputs and weights equal those of
    `keras.layers.Dense`; gradients differ by rounding only. On other backends,
    and for inputs of other ranks than 2, it is that layer.

    Args:
        units: Integer, the number of outputs.
        **kwargs: Further arguments of `keras.layers.Dense`.

    Call arguments:
        inputs: Float tensor `(batch, dim)`.
        training: Boolean, whether gradients will be computed.

    Output shape: `(batch, units)`.

    Example:
    >>> import numpy as np
    >>> tuple(WideDense(3)(np.ones((2, 50), "float32")).shape)
    (2, 3)
    """

    def call(self, inputs, training=None):
        tensorflow = keras.backend.backend() == "tensorflow"
        if not (training and tensorflow and len(inputs.shape) == 2):
            return super().call(inputs, training=training)
        kernel = ops.cast(self.kernel, self.compute_dtype)
        kernel = ops.expand_dims(kernel, 0)
        outputs = ops.custom_gradient(_product)(inputs, kernel)
        if self.bias is not None:
            outputs = ops.add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)


def _product(inputs, kernel):
    """Returns the product with `(1, dim, units)` and its gradients."""

    def gradient(upstream):
        upstream = upstream[None]
        of_inputs = ops.matmul(upstream, ops.transpose(kernel, (0, 2, 1)))
        of_kernel = ops.matmul(ops.transpose(inputs[None], (0, 2, 1)), upstream)
        return of_inputs[0], of_kernel

    return ops.matmul(inputs, kernel[0]), gradient
