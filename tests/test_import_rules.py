"""Who may import whom."""

import ast
import importlib.util
import pathlib
import sys

import pytest

import ac_keras
from support.programs import output_of
from support.programs import run_python

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = pathlib.Path(ac_keras.__file__).parent
LIBRARY = sorted(PACKAGE.rglob("*.py"))
LAYERS_AND_MODELS = [
    x for name in ("layers", "models") for x in (PACKAGE / name).rglob("*.py")
]
# What each subpackage may import of the package, besides itself. A program
# may import all of it, and the files of its own folder.
ALLOWED = {
    "utils": "",
    "layers": "utils",
    "metrics": "",
    "models": "utils layers",
    "annotations": "utils",
    "pipeline": "utils",
    "training": "utils metrics models pipeline",
    "serving": "utils models pipeline",
    "extraction": "utils models annotations pipeline",
    "visualization": "utils models pipeline",
    "datasets": "utils models pipeline",
    "prediction": "utils models pipeline extraction visualization",
    "runs": "utils layers metrics models pipeline training serving "
    "visualization",
}
PROGRAMS = sorted(
    path
    for folder in ("trainers", "data")
    for path in (ROOT / folder).rglob("*.py")
)
TESTS = sorted((ROOT / "tests").rglob("*.py"))
# Imported where they are needed, for not everybody has them.
OF_EXTRAS = {
    "av",
    "cv2",
    "grpc",
    "onnx",
    "onnxruntime",
    "openvino",
    "pyarrow",
    "ray",
    "requests",
    "sklearn",
    "tensorflow_io",
    "tensorflow_serving",
    "tf2onnx",
}
DECLARED = {  # by setup.py, under the names that are imported
    "absl",
    "google",
    "jinja2",
    "keras",
    "matplotlib",
    "numpy",
    "tensorflow",
    "tqdm",
    *OF_EXTRAS,
}
# Refuses TensorFlow altogether, or, where Keras needs it, to ac_keras.
WITHOUT_TENSORFLOW = """
import builtins
import sys

real_import = builtins.__import__
backend = sys.argv[1]

def guarded(name, globals=None, *arguments, **keywords):
    importer = (globals or {}).get("__name__", "")
    if name.partition(".")[0] == "tensorflow":
        if backend != "tensorflow" or importer.startswith("ac_keras"):
            raise ImportError(f"tensorflow is refused to {importer}")
    return real_import(name, globals, *arguments, **keywords)

builtins.__import__ = guarded
import ac_keras
import keras
import numpy as np

model = ac_keras.cluster_classifier({"rgb": 3}, {"rgb": 2}, 4)
inputs = {"rgb": np.ones((2, 5, 3)), "rgb_num_frames": np.array([1, 5])}
total = keras.ops.convert_to_numpy(model(inputs)).sum()
print(keras.backend.backend(), round(float(total), 3))
print(sorted(name for name in sys.modules if name.startswith("ac_keras.")))
"""


def imports_of(path, within_functions=True):
    """Full names of the modules that a file imports."""
    names = set()
    nodes = [ast.parse(path.read_text(encoding="utf-8"))]
    while nodes:
        node = nodes.pop()
        if within_functions or not isinstance(node, ast.FunctionDef):
            nodes.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            # Either could be the module: from ac_keras import serving.
            names.add(node.module)
            names.update(f"{node.module}.{x.name}" for x in node.names)
    return names


def within(name, modules):
    return any(name == x or name.startswith(f"{x}.") for x in modules)


def violations(paths, forbidden):
    """Pairs of file and import that lie within forbidden modules."""
    return [
        f"{path}: {name}"
        for path in paths
        for name in sorted(imports_of(path))
        if within(name, forbidden)
    ]


def top_level_imports(path, **settings):
    return {name.partition(".")[0] for name in imports_of(path, **settings)}


def test_the_rules_see_the_sources():
    assert len(LIBRARY) > 20 and len(LAYERS_AND_MODELS) > 5
    assert len(PROGRAMS) > 5
    seen = set().union(*map(imports_of, LIBRARY + PROGRAMS))
    assert seen >= {"tensorflow", "ac_keras.pipeline.Manifest", "keras.ops"}


def test_a_forbidden_import_is_found(tmp_path):
    path = tmp_path / "layer.py"
    path.write_text("def f():\n    from ac_keras import serving\n")
    forbidden = ["tensorflow", "ac_keras.serving"]
    assert violations([path], forbidden) == [f"{path}: ac_keras.serving"]


def test_the_library_imports_nothing_of_the_repository_around_it():
    programs = [path.stem for path in PROGRAMS]
    forbidden = ["data", "trainers", "tests", "benchmarks", *programs]
    assert violations(LIBRARY, forbidden) == []


def test_the_library_imports_what_setup_py_declares():
    allowed = {*sys.stdlib_module_names, *DECLARED, "ac_keras"}
    imported = {path: top_level_imports(path) - allowed for path in LIBRARY}
    assert {path: names for path, names in imported.items() if names} == {}


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.name)
def test_packages_of_extras_are_imported_within_functions(path):
    at_once = top_level_imports(path, within_functions=False)
    assert not at_once & OF_EXTRAS


def test_layers_and_models_stand_on_keras_alone():
    assert violations(LAYERS_AND_MODELS, ["tensorflow"]) == []


def test_every_subpackage_is_in_the_table():
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders == set(ALLOWED)


@pytest.mark.parametrize("name", ALLOWED)
def test_a_subpackage_imports_only_what_the_table_allows(name):
    allowed = {name, *ALLOWED[name].split()}
    forbidden = [f"ac_keras.{x}" for x in ALLOWED if x not in allowed]
    assert violations((PACKAGE / name).rglob("*.py"), forbidden) == []


def test_nobody_imports_private_modules():
    private = ["keras.src", "tensorflow.python"]
    assert violations(LIBRARY + PROGRAMS + TESTS, private) == []


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_a_program_imports_the_package_and_files_of_its_folder(path):
    siblings = {x.stem for x in path.parent.glob("*.py")}
    allowed = {*sys.stdlib_module_names, *DECLARED, "ac_keras", *siblings}
    assert top_level_imports(path) - allowed == set()


def test_only_the_package_has_init_files():
    folders = [ROOT / name for name in ("data", "trainers", "tests")]
    found = [path for x in folders for path in x.rglob("__init__.py")]
    assert found == []


def test_test_files_have_names_of_their_own():
    """Pytest imports them by these alone."""
    names = [path.name for path in TESTS if path.name != "conftest.py"]
    assert sorted(names) == sorted(set(names))


@pytest.mark.programs
def test_layers_and_models_work_where_tensorflow_is_refused():
    backend = "jax" if importlib.util.find_spec("jax") else "tensorflow"
    env = {"KERAS_BACKEND": backend}
    result = run_python("-c", WITHOUT_TENSORFLOW, backend, env=env)
    ran, imported = output_of(result).splitlines()
    assert ran == f"{backend} 2.0"  # two clips' probabilities
    packages = {name.split(".")[1] for name in ast.literal_eval(imported)}
    assert packages == {"layers", "models", "utils", "version"}
