"""Evaluation on one device; update_step/ has several."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import support.training.linear_classifier as linear
from ac_keras.metrics import PerClassAccuracy
from ac_keras.training import Evaluator

NUM_CLIPS, BATCH_SIZE = 11, 4


def make_data(size=NUM_CLIPS):
    x, labels = linear.draw_batches(1, size=size)

    def data(batch_size, share):
        clips = tf.data.Dataset.from_tensor_slices(({"x": x[0]}, labels[0]))
        return clips.batch(batch_size).shard(share[1], share[0])

    return x[0], labels[0], data


class Stopped(Exception):
    pass


@pytest.mark.parametrize("batch_size", [1, 4, 11, 64])
def test_loss_and_metrics_are_those_of_numpy_whatever_the_batches(batch_size):
    x, labels, data = make_data()
    model = linear.make_model()
    kernel, bias = linear.weights_of(model)
    loss, _ = linear.loss_and_gradients((kernel, bias), x, labels)
    right = (x @ kernel + bias).argmax(axis=1) == labels
    by_class = [right[labels == c].mean() for c in np.unique(labels)]
    metrics = [
        keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
        PerClassAccuracy(linear.NUM_CLASSES),
    ]
    found = Evaluator(model, metrics).evaluate(data, batch_size)
    assert list(found)[:2] == ["loss", "accuracy"]
    assert found["loss"] == pytest.approx(loss, rel=1e-5)
    assert found["accuracy"] == pytest.approx(right.mean())
    assert found["per_class_accuracy"] == pytest.approx(np.mean(by_class))
    assert 0 < found["accuracy"] < 1


def test_every_call_starts_from_zero_and_sees_the_newest_weights_and_data():
    _, _, data = make_data()
    model = linear.make_model()
    evaluator = Evaluator(model, [])
    first = evaluator.evaluate(data, BATCH_SIZE)
    assert evaluator.evaluate(data, BATCH_SIZE) == first
    x, labels, other = make_data(size=5)
    loss, _ = linear.loss_and_gradients(linear.weights_of(model), x, labels)
    found = evaluator.evaluate(other, BATCH_SIZE)["loss"]
    assert found == pytest.approx(loss, rel=1e-5) != first["loss"]
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    uniform = evaluator.evaluate(data, BATCH_SIZE)["loss"]
    assert uniform == pytest.approx(np.log(linear.NUM_CLASSES))


def test_it_can_be_ended_between_two_batches_and_begun_anew():
    _, _, data = make_data()
    evaluator = Evaluator(linear.make_model(), [])
    whole = evaluator.evaluate(data, BATCH_SIZE)
    seen = []

    def second_stops():
        seen.append(len(seen))
        if len(seen) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        evaluator.evaluate(data, BATCH_SIZE, second_stops)
    assert seen == [0, 1]
    calls = []
    again = evaluator.evaluate(data, BATCH_SIZE, lambda: calls.append(1))
    assert again == whole and len(calls) == 3


def test_nothing_is_dropped_in_evaluation():
    inputs = keras.Input((linear.DIM,), name="x")
    dropped = keras.layers.Dropout(0.9)(inputs)
    logits = keras.layers.Dense(linear.NUM_CLASSES, name="logits")(dropped)
    outputs = keras.layers.Activation("softmax")(logits)
    model = keras.Model({"x": inputs}, outputs)
    model.set_weights(linear.make_model().get_weights())
    x, labels, data = make_data()
    loss, _ = linear.loss_and_gradients(linear.weights_of(model), x, labels)
    found = Evaluator(model, []).evaluate(data, BATCH_SIZE)["loss"]
    assert found == pytest.approx(loss, rel=1e-5)
