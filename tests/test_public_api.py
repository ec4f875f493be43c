"""The public names and signatures are those of public_api.txt.

    python tests/test_public_api.py --write

writes the file again, after a change that was meant.
"""

import difflib
import importlib
import inspect
import pathlib
import sys

import pytest

LISTING = pathlib.Path(__file__).with_name("public_api.txt")
PACKAGES = (
    "ac_keras",
    "ac_keras.annotations",
    "ac_keras.extraction",
    "ac_keras.layers",
    "ac_keras.metrics",
    "ac_keras.models",
    "ac_keras.pipeline",
    "ac_keras.prediction",
    "ac_keras.runs",
    "ac_keras.serving",
    "ac_keras.training",
    "ac_keras.visualization",
    "ac_keras.datasets",
)
COMMAND = "python tests/test_public_api.py --write"


def signature_of(function):
    """The parameters and their defaults; annotations may change."""
    signature = inspect.signature(function)
    parameters = [
        parameter.replace(annotation=parameter.empty)
        for parameter in signature.parameters.values()
        if parameter.name not in ("self", "cls")
    ]
    return str(inspect.Signature(parameters))


def own_attributes(cls):
    """Returns the attributes that our own classes define."""
    attributes = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("ac_keras"):
            attributes.update(vars(base))
    return attributes


def describe_class(name, cls):
    """Lines on the constructor and the public methods and properties."""
    attributes = own_attributes(cls)
    has_own = "__init__" in attributes
    yield name + (signature_of(cls.__init__) if has_own else "(**kwargs)")
    for attribute, value in sorted(attributes.items()):
        if attribute.startswith("_"):
            continue
        if isinstance(value, property):
            yield f"    .{attribute}"
        elif callable(getattr(cls, attribute)):
            yield f"    .{attribute}{signature_of(getattr(cls, attribute))}"


def describe(name, value):
    """Lines on one public name."""
    if inspect.isclass(value):
        return list(describe_class(name, value))
    if callable(value):
        return [f"{name}{signature_of(value)}"]
    if name == "ac_keras.__version__":
        return [name]  # Its value is no promise.
    return [f"{name} = {value!r}"]


def list_api():
    """The whole listing; what has two names is described under the first."""
    lines, first_names = [], {}
    for package in PACKAGES:
        module = importlib.import_module(package)
        for short in sorted(module.__all__):
            name, value = f"{package}.{short}", getattr(module, short)
            first = first_names.setdefault(id(value), name)
            again = [f"{name} is {first}"]
            lines.extend(describe(name, value) if first == name else again)
        lines.append("")
    return "\n".join(lines)


def test_the_public_api_is_the_listed_one():
    expected, received = LISTING.read_text(encoding="utf-8"), list_api()
    difference = difflib.unified_diff(
        expected.splitlines(), received.splitlines(), "listed", "found", n=1
    )
    if expected != received:
        pytest.fail(
            "\n".join([*difference, "", f"If this is meant: {COMMAND}"]),
            pytrace=False,
        )


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_has_a_docstring(package):
    module = importlib.import_module(package)
    assert module.__doc__
    for name in module.__all__:
        value = getattr(module, name)
        assert not callable(value) or inspect.getdoc(value), name


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(f"Expected: {COMMAND}")
    LISTING.write_text(list_api(), encoding="utf-8")
    print(f"Written: {LISTING}")
