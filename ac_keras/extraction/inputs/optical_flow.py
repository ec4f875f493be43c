"""Optical flow between consecutive frames, and its storage in bytes."""

import hashlib
import types

import numpy as np

METHODS = ("tvl1", "dis")
BOUND = 20.0  # pixels a frame; the usual one for stacked flow
LEVELS = 255
MIN_SIDE = 12  # what DIS takes; the same for both, so that one can try both


def flow_stacks(gray: np.ndarray, method: str = "tvl1") -> np.ndarray:
    """Computes the flow between the frames of each stack.

    A pair of frames that occurs in several stacks is computed once. The result
    depends on the frames and the method alone, not on threads.

    Args:
        gray: Uint8 `(num_stacks, num_consecutive, height, width)`, at least two
            consecutive frames to a stack, at least 12 pixels a side.
        method: "tvl1", OpenCV's Dual TV-L1 with its default settings, or
            "dis", some hundred times faster: as exact within what moves, less
            so at its edge, and better where a motion is long for its texture
            (see benchmarks/flow_methods.py).

    Returns:
        Float32 `(num_stacks, height, width, 2 * (num_consecutive - 1))`, in
        pixels a frame: x to the right, then y downwards, of the first pair,
        then of the second, and so on.

    Raises:
        ValueError: If gray or the method is none of these.
        ImportError: If OpenCV is missing, or without what TV-L1 needs.
    """
    _check_gray(gray)
    make = _algorithm(method)
    num_stacks, num_consecutive, height, width = gray.shape
    num_pairs = num_consecutive - 1
    flow = np.empty((num_stacks, height, width, num_pairs, 2), np.float32)
    places = {}  # digests of a pair: where its flow is already
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
                # A new one: OpenCV's keep settings that small frames changed.
                flow[stack, :, :, pair] = make().calc(
                    frames[pair], frames[pair + 1], None
                )
                places[key] = stack, pair
    return flow.reshape(num_stacks, height, width, 2 * num_pairs)


def encode_flow(flow: np.ndarray, bound: float = BOUND) -> np.ndarray:
    """Turns flow into bytes, what is beyond the bound into the bound.

    No motion lies between 127 and 128, which is written as 128.

    Args:
        flow: Float array of any shape, in pixels a frame.
        bound: The motion that becomes 255; its negative becomes 0.

    Returns:
        Uint8 of the same shape.

    Raises:
        ValueError: If flow is not finite floats, or bound not above 0.
    """
    _check_bound(bound)
    flow = np.asarray(flow)
    if flow.dtype.kind != "f" or not np.isfinite(flow).all():
        received = flow.dtype
        if flow.dtype.kind == "f":
            received = f"{np.size(flow) - np.isfinite(flow).sum()} of no number"
        raise ValueError(
            "encode_flow expects finite floats, pixels a frame. Received: "
            f"flow with values {received}. Pass what flow_stacks gives."
        )
    levels = (np.clip(flow, -bound, bound) + bound) * (LEVELS / (2 * bound))
    return np.rint(levels).astype(np.uint8)


def decode_flow(codes: np.ndarray, bound: float = BOUND) -> np.ndarray:
    """Turns bytes of `encode_flow` back into flow, to half a level.

    Args:
        codes: Uint8 array of any shape.
        bound: That of encode_flow.

    Returns:
        Float32 of the same shape, in pixels a frame.

    Raises:
        ValueError: If codes is not uint8, or bound not above 0.
    """
    _check_bound(bound)
    codes = np.asarray(codes)
    if codes.dtype != np.uint8:
        raise ValueError(
            "decode_flow expects uint8. Received: codes of dtype "
            f"{codes.dtype}. Pass what encode_flow gives."
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
            f"gray={_described(gray)}. Read gray frames, L + 1 consecutive "
            "ones for a stack of L flows."
        )
    if min(gray.shape[2:]) < MIN_SIDE:
        raise ValueError(
            f"flow_stacks expects frames of {MIN_SIDE} x {MIN_SIDE} pixels or "
            f"more. Received: gray={_described(gray)}. Resize the frames to "
            "a larger size."
        )


def _described(array):
    if isinstance(array, np.ndarray):
        return f"{array.dtype} of shape {array.shape}"
    return type(array).__name__


def _check_bound(bound):
    if not 0 < bound < float("inf"):
        raise ValueError(
            "optical_flow expects a finite bound above 0 for what it stores. "
            f"Received: bound={bound}. The paper's is 20 pixels a frame."
        )


def _algorithm(method):
    """Gives what makes OpenCV's object."""
    if method not in METHODS:
        raise ValueError(
            f"flow_stacks expects a method out of {', '.join(METHODS)}. "
            f"Received: method={method!r}. Take tvl1 for the paper's."
        )
    cv2 = _import_opencv()
    if method == "tvl1":
        return cv2.optflow.DualTVL1OpticalFlow_create
    preset = cv2.DISOPTICAL_FLOW_PRESET_MEDIUM
    return lambda: cv2.DISOpticalFlow_create(preset)


def _import_opencv() -> types.ModuleType:
    try:
        import cv2
        import cv2.optflow
    except ImportError as error:
        raise ImportError(
            "Expected OpenCV with its contributed modules, which hold TV-L1. "
            f'Received: {error}. Run pip install "ac-keras[media]", which '
            "brings opencv-contrib-python-headless; it does not live beside "
            "opencv-python."
        ) from error
    return cv2
