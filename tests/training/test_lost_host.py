"""The message of a host that lost another."""

import pytest
import tensorflow as tf

from ac_keras.runs import explain_loss


@pytest.mark.parametrize(
    "kind", [tf.errors.UnavailableError, tf.errors.AbortedError]
)
def test_a_loss_is_said_with_what_to_do(kind):
    message = explain_loss(kind(None, None, "Socket closed"), 3)
    assert message == (
        "Expected all 3 hosts to go on. Received: the loss of one, seen as "
        f"{kind.__name__}. Start the same command on every host again; the "
        "run goes on from its last checkpoint."
    )


def test_one_host_cannot_lose_another():
    assert explain_loss(tf.errors.UnavailableError(None, None, ""), 1) is None


def test_other_errors_are_not_taken_for_a_loss():
    error = tf.errors.InvalidArgumentError(None, None, "shapes")
    assert explain_loss(error, 2) is None
