"""Records as the inputs of a request."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from ac_keras.serving.client.served_signature import ServedSignature


def check_record(record: Any, index: int) -> bytes:
    """Gives a record back.

    Raises:
        ValueError: If it is not bytes.
    """
    if not isinstance(record, bytes):
        raise ValueError(
            "Expected serialized records as bytes. Received: "
            f"{type(record).__name__} for clip {index}. Serialize examples by "
            "SerializeToString()."
        )
    return record


def parse_example(record: Any, index: int) -> tf.train.Example:
    """Gives the example that a record holds.

    Raises:
        ValueError: If it holds none.
    """
    record = check_record(record, index)
    try:
        return tf.train.Example.FromString(record)
    except Exception as error:  # protobuf's own
        raise ValueError(
            "Expected serialized tf.train.Example records. Received: clip "
            f"{index}, which is cut off or something else. Mend it or leave it "
            "out."
        ) from error


def record_encoder(
    signature: ServedSignature,
) -> Callable[[list[bytes]], dict[str, np.ndarray]]:
    """Gives what turns records into the inputs of a signature.

    Raises:
        ValueError: If the signature takes something else.
    """
    specs = list(signature.inputs.values())
    if len(specs) != 1 or specs[0].dtype != tf.string:
        raise ValueError(
            "Expected a signature that takes records. Received: signature="
            f"{signature.name!r}, which takes {list(signature.inputs)}. Export "
            "the model with signatures of this package."
        )
    return lambda records: {specs[0].name: np.array(records, object)}
