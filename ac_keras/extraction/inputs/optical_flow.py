"""Optical flow between consecutive frames, and its encoding in bytes."""

import hashlib

import numpy as np

METHODS = ("tvl1", "dis")
BOUND = 20.0  # pixels per frame; usual for stacked flow
LEVELS = 255
MIN_SIDE = 12  # pixels; the limit of DIS, applied to both methods


def flow_stacks(gray: np.ndarray, method: str = "tvl1") -> np.ndarray:
    """Computes the optical flow between the frames of each stack.

    A pair of frames that occurs in several stacks is computed once. The result
    depends on the frames and the method alone, not on threads.

    Args:
        gray: uint8 `(num_stacks, num_consecutive, height, width)`, at least two
            consecutive frames per stack, at least 12 pixels per side.
        method: "tvl1", OpenCV's Dual TV-L1 with its default settings, or
            "dis", about a hundred times faster: as accurate within moving
            objects, less so at their edges, and better for large motion (see
            benchmarks/flow_methods.py).

    Returns:
        float32 `(num_stacks, height, width, 2 * (num_consecutive - 1))`, in
        pixels per frame: x to the right, then y downwards, of the first pair,
        then of the second, and so on.

    Raises:
        ValueError: If `gray` or `method` is not valid.
        ImportError: If OpenCV or its contributed modules are missing.
    """
    _check_gray(gray)
    make = _algorithm(method)
    num_stacks, num_consecutive, height, width = gray.shape
    num_pairs = num_consecutive - 1
    flow = np.empty((num_stacks, height, width, num_pairs, 2), np.float32)
    places = {}  # digests of a pair -> where its flow is stored
    for stack, frames in enumerate(np.ascontiguousarray(gray)):
        digests = [hashlib.sha256(frame).digest() for frame in frames]
        for pair in range(num_pairs):
            key = digests[pair], digests[pair + 1]
            if key[0] == key[1]:
                flow[stack, :, :, pair] = 0.0
            elif key in places:
                known_stack, known_pair = places[key]
                flow[stack, :, :, pair] = flow[known_stack, :, :, known_pair]
            else:
                # A new object: small frames change an object's settings.
                flow[stack, :, :, pair] = make().calc(
                    frames[pair], frames[pair + 1], None
                )
                places[key] = stack, pair
    return flow.reshape(num_stacks, height, width, 2 * num_pairs)


def encode_flow(flow: np.ndarray, bound: float = BOUND) -> np.ndarray:
    """Encodes flow in bytes, clipped to the bound.

    Zero motion lies between 127 and 128 and is encoded as 128.

    Args:
        flow: Float array of any shape, in pixels per frame.
        bound: The motion encoded as 255; its negative is encoded as 0.

    Returns:
        uint8 of the same shape.

    Raises:
        ValueError: If flow is not finite floats, or bound is not positive.
    """
    _check_bound(bound)
    flow = np.asarray(flow)
    if flow.dtype.kind != "f" or not np.isfinite(flow).all():
        received = flow.dtype
        if flow.dtype.kind == "f":
            received = f"{np.size(flow) - np.isfinite(flow).sum()} not finite"
        raise ValueError(
            "encode_flow expects finite floats, pixels per frame. Received: "
            f"flow with values {received}. Pass the result of flow_stacks."
        )
    levels = (np.clip(flow, -bound, bound) + bound) * (LEVELS / (2 * bound))
    return np.rint(levels).astype(np.uint8)


def decode_flow(codes: np.ndarray, bound: float = BOUND) -> np.ndarray:
    """Decodes the bytes of `encode_flow`, exact to half a level.

    Args:
        codes: uint8 array of any shape.
        bound: The bound passed to `encode_flow`.

    Returns:
        float32 of the same shape, in pixels per frame.

    Raises:
        ValueError: If codes is not uint8, or bound is not positive.
    """
    _check_bound(bound)
    codes = np.asarray(codes)
    if codes.dtype != np.uint8:
        raise ValueError(
            "decode_flow expects uint8. Received: codes of dtype "
            f"{codes.dtype}. Pass the result of encode_flow."
        )
    return (codes * (2 * bound / LEVELS) - bound).astype(np.float32)


def _check_gray(gray):
    if not (
        isinstance(gray, np.ndarray)
        and gray.dtype == np.uint8
        and gray.ndim == 4
        and gray.shape[1] >= 2
    ):
        raise ValueError(
            "flow_stacks expects uint8 of shape (num_stacks, num_consecutive, "
            "height, width) with 2 consecutive frames or more. Received: "
            f"gray={_describe(gray)}. Read L + 1 consecutive gray frames for "
            "a stack of L fields."
        )
    if min(gray.shape[2:]) < MIN_SIDE:
        raise ValueError(
            f"flow_stacks expects frames of {MIN_SIDE} x {MIN_SIDE} pixels or "
            f"more. Received: gray={_describe(gray)}. Resize the frames to "
            "a larger size."
        )


def _describe(array):
    if isinstance(array, np.ndarray):
        return f"{array.dtype} of shape {array.shape}"
    return type(array).__name__


def _check_bound(bound):
    if not 0 < bound < float("inf"):
        raise ValueError(
            "Expected a finite bound above 0. Received: "
            f"bound={bound}. Stacked flow usually has 20 pixels per frame."
        )


def _algorithm(method):
    """Returns a function that makes OpenCV's algorithm object."""
    if method not in METHODS:
        raise ValueError(
            f"flow_stacks expects a method among {', '.join(METHODS)}. "
            f"Received: method={method!r}. The paper uses tvl1."
        )
    try:
        import cv2
        import cv2.optflow
    except ImportError as error:
        raise ImportError(
            "Expected OpenCV with its contributed modules, for TV-L1. "
            f"Received: {error}. Install ac-keras[media], which contains "
            "opencv-contrib-python-headless, and uninstall opencv-python, "
            "which conflicts with it."
        ) from error
    if method == "tvl1":
        return cv2.optflow.DualTVL1OpticalFlow_create
    preset = cv2.DISOPTICAL_FLOW_PRESET_MEDIUM
    return lambda: cv2.DISOpticalFlow_create(preset)
