"""Explanations of errors that stop a run."""

import pytest
import tensorflow as tf

from ac_keras.runs import explain_errors
from ac_keras.runs import explain_lost_hosts
from ac_keras.training import NonFiniteLossError


@pytest.mark.parametrize(
    "kind", [tf.errors.UnavailableError, tf.errors.AbortedError]
)
def test_a_loss_is_explained_with_what_to_do(kind):
    with pytest.raises(ValueError) as raised, explain_lost_hosts(3):
        raise kind(None, None, "Socket closed")
    assert str(raised.value) == (
        "Expected all 3 hosts to continue. Received: the loss of a host "
        f"({kind.__name__}). Start the same command on every host again; the "
        "run resumes from its last checkpoint."
    )


@pytest.mark.parametrize(
    ("kind", "num_hosts"),
    [(tf.errors.UnavailableError, 1), (tf.errors.InvalidArgumentError, 2)],
)
def test_other_errors_are_not_taken_for_a_loss(kind, num_hosts):
    with pytest.raises(kind), explain_lost_hosts(num_hosts):
        raise kind(None, None, "shapes")


def test_an_infinite_validation_loss_is_explained_without_a_batch():
    message = "validation of epoch 2.* --learning_rate"
    with (
        pytest.raises(ValueError, match=message),
        explain_errors(None, ["train"], None),
    ):
        raise NonFiniteLossError(1, None)
