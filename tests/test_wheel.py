"""The built wheel: its files, its metadata, and its import."""

import email
import pathlib
import shutil
import zipfile

import pytest

import ac_keras
from support.programs import output_of
from support.programs import run_python

pytestmark = pytest.mark.programs

ROOT = pathlib.Path(__file__).parents[1]
DECLARED = ("setup.py", "pyproject.toml", "README.md", "LICENSE")
IMPORT_ALL = """
import ac_keras
import ac_keras.datasets, ac_keras.extraction, ac_keras.pipeline
import ac_keras.prediction
import ac_keras.serving, ac_keras.visualization
print(ac_keras.__file__)
print(ac_keras.serving.saved_model_check.PROGRAM.is_file())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of a copy of the checkout, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    source, ignored = folder / "source", shutil.ignore_patterns("__pycache__")
    # A folder of programs and one of tests, which have no place in it.
    for name in ("ac_keras", "trainers", "tests/serving"):
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    (source / "tests" / "__init__.py").touch()
    for name in DECLARED:
        shutil.copy(ROOT / name, source / name)
    output_of(
        run_python("-m", "build", "--wheel", "--no-isolation", cwd=source)
    )
    (path,) = (source / "dist").glob("*.whl")
    return path


def test_the_wheel_is_pure_python_with_every_module_and_template(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    folders = {name.split("/")[0] for name in names}
    assert folders == {
        "ac_keras",
        f"ac_keras-{ac_keras.__version__}.dist-info",
    }
    modules = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "ac_keras").rglob("*")
        if path.suffix in (".py", ".jinja")
    }
    shipped = {name for name in names if name.startswith("ac_keras/")}
    assert shipped >= modules and len(modules) > 20
    assert "ac_keras/runs/report.html.jinja" in shipped
    assert wheel.name.endswith("-py3-none-any.whl")
    suffixes = {pathlib.PurePath(name).suffix for name in shipped}
    assert suffixes == {".jinja", ".py", ".typed"}


def test_the_metadata_has_name_version_description_and_dependencies(wheel):
    with zipfile.ZipFile(wheel) as archive:
        name = f"ac_keras-{ac_keras.__version__}.dist-info/METADATA"
        metadata = email.message_from_bytes(archive.read(name))
    assert metadata["Name"] == "ac-keras"
    assert metadata["Version"] == ac_keras.__version__
    assert metadata["Requires-Python"] == ">=3.11"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert metadata.get_payload().strip() == readme.strip()
    assert metadata["Description-Content-Type"].startswith("text/markdown")
    required = metadata.get_all("Requires-Dist")
    for name, limits in {
        "keras": {">=3.12", "<3.16"},
        "tensorflow": {">=2.16.2", "<2.22"},
    }.items():
        found = [x for x in required if x.startswith((f"{name}<", f"{name}>"))]
        assert [set(x[len(name) :].split(",")) for x in found] == [limits]


def test_the_unpacked_wheel_imports_from_its_own_folder(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    site = {"PYTHONPATH": str(tmp_path / "site")}
    result = run_python("-c", IMPORT_ALL, cwd=tmp_path, env=site)
    expected = tmp_path / "site" / "ac_keras" / "__init__.py"
    assert output_of(result).splitlines() == [str(expected), "True"]
