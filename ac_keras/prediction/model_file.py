"""What tells a model's file from another."""

import hashlib
import os


def hash_file(path: str | os.PathLike) -> str:
    """Gives the SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
