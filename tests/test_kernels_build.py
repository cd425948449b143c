"""Builds of the package with and without a C++ compiler, around a small stand-in for the kernels.

The stand-in tells how wide the vectors were that each instruction set was compiled for.
"""

from __future__ import annotations

import json
import os
import platform
import re
import runpy
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gatecast.errors import ConfigError
from gatecast.nn import kernels

ROOT = Path(__file__).resolve().parents[1]
CXX = os.environ.get("CXX", "").split() or [sysconfig.get_config_var("CXX") or "c++"]
HEADER = Path(sysconfig.get_path("include"), "Python.h")
needs_compiler = pytest.mark.skipif(
    not (shutil.which(CXX[0].split()[0]) and HEADER.exists()), reason=f"needs {CXX[0]} and {HEADER}"
)
needs_pip = pytest.mark.skipif(not shutil.which("pip", path=Path(sys.executable).parent), reason="needs pip")
X86 = platform.machine().lower() in {"x86_64", "amd64"} and sys.maxsize > 2**32
TILES = {"amx": 16} if sys.platform == "linux" else {}
WIDTHS = (
    {**TILES, "avx512": 16, "avx2": 8, "portable": 4} if X86 else {"neon": 4} if platform.machine() == "aarch64" else {}
)
NOTE = "gatecast: "

VARIANT_SOURCE = """
#include "base.h"
#define JOIN(a, b) a##b
#define NAME(variant) JOIN(width_, variant)
extern "C" int NAME(GATECAST_VARIANT)() {
#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512VL__) && defined(__AVX512BW__)
    return 16;
#elif defined(__AVX2__) && defined(__FMA__)
    return 8;
#else
    return BASE;
#endif
}
"""
MODULE_SOURCE = """
#include <Python.h>
#define ADD(name) int width_##name(); PyModule_AddIntConstant(module, #name, width_##name());
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_kernels"};
PyMODINIT_FUNC PyInit__kernels() {
    PyObject* module = PyModule_Create(&definition);
#ifdef GATECAST_HAS_AMX
    ADD(amx)
#endif
#ifdef GATECAST_HAS_AVX512
    ADD(avx512)
#endif
#ifdef GATECAST_HAS_AVX2
    ADD(avx2)
#endif
#ifdef GATECAST_HAS_NEON
    ADD(neon)
#endif
#ifdef GATECAST_HAS_PORTABLE
    ADD(portable)
#endif
    return module;
}
"""
TELL = """
import json, sys
from gatecast.nn import kernels
from gatecast.errors import ConfigError
found = kernels.load()
widths = {k: v for k, v in vars(found).items() if isinstance(v, int)} if found else None
json.dump([widths, kernels.reason(), found and found.__file__], sys.stdout)
"""


@dataclass(frozen=True)
class Tree:
    """A copy of the project."""

    folder: Path

    def python(self, program: str, **environment: str) -> str:
        """Run a program in the folder; what it prints on both streams."""
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=self.folder,
            env={**bare_environment(), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def build(self, kind: str = "wheel", prelude: str = "", **environment: str) -> tuple[Path, str]:
        """The distribution that pip would build, and the messages of the build."""
        out = self.folder / f"out-{time.monotonic_ns()}"
        program = f"{prelude}\nfrom setuptools import build_meta; print(build_meta.build_{kind}({str(out)!r}))"
        messages = self.python(program, **environment)
        return next(out.iterdir()), messages


def bare_environment() -> dict[str, str]:
    """This process's environment, without what would turn a build or the kernels."""
    turning = ("GATECAST_", "PYTHONPATH", "CFLAGS", "CXXFLAGS", "PIP_")
    return {key: value for key, value in os.environ.items() if not key.startswith(turning)}


def copy_of_project(folder: Path) -> Tree:
    for name in ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "constraints.txt"):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(
        ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__", "*-info")
    )
    return Tree(folder)


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    tree = copy_of_project(tmp_path_factory.mktemp("pristine") / "project")
    (tree.folder / "kernels").mkdir()
    (tree.folder / "kernels" / "variant.cpp").write_text(VARIANT_SOURCE)
    (tree.folder / "kernels" / "module.cpp").write_text(MODULE_SOURCE)
    (tree.folder / "kernels" / "base.h").write_text("#define BASE 4\n")
    return tree


@pytest.fixture
def tree(pristine: Tree, tmp_path: Path) -> Tree:
    """Nothing is built there yet."""
    return Tree(Path(shutil.copytree(pristine.folder, tmp_path / "project")))


@pytest.fixture(scope="session")
def built(pristine: Tree, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A wheel with the stand-in, and the messages of its build."""
    folder = tmp_path_factory.mktemp("built") / "project"
    return Tree(Path(shutil.copytree(pristine.folder, folder))).build()


def tell(wheel: Path, folder: Path) -> Any:
    """What ``gatecast.nn.kernels`` finds in an unpacked wheel: widths, reason, file."""
    site = folder / f"site-{time.monotonic_ns()}"
    zipfile.ZipFile(wheel).extractall(site)
    return json.loads(Tree(folder).python(TELL, PYTHONPATH=str(site)))


def notes(messages: str) -> list[str]:
    return [line for line in messages.splitlines() if line.startswith(NOTE)]


def root_is_pure(wheel: Path) -> bool:
    archive = zipfile.ZipFile(wheel)
    name = next(name for name in archive.namelist() if name.endswith(".dist-info/WHEEL"))
    return "Root-Is-Purelib: true" in archive.read(name).decode()


# ---------------------------------------------------------------- with a compiler


@needs_compiler
def test_one_module_for_all_pythons_holds_every_instruction_set(built: tuple[Path, str], tmp_path: Path) -> None:
    wheel, messages = built
    assert wheel.name.startswith("gatecast-")
    assert "-cp311-abi3-" in wheel.name
    assert not root_is_pure(wheel)
    widths, reason, file = tell(wheel, tmp_path)
    assert widths == WIDTHS
    assert reason == ""
    assert Path(file).name in {"_kernels.abi3.so", "_kernels.pyd"}
    assert notes(messages) == [f"{NOTE}compiled kernels built for {', '.join(WIDTHS)}"]


@needs_compiler
def test_the_wheel_holds_the_module_its_types_and_no_sources(built: tuple[Path, str]) -> None:
    names = zipfile.ZipFile(built[0]).namelist()
    assert "gatecast/_kernels.pyi" in names
    assert not [name for name in names if name.endswith((".cpp", ".h", ".o"))]


@needs_compiler
@pytest.mark.skipif(not X86, reason="other machines have one instruction set")
def test_an_instruction_set_that_the_compiler_does_not_know_is_left_out(tree: Tree, tmp_path: Path) -> None:
    old = tmp_path / "old-compiler"
    old.write_text(f'#!/bin/sh\ncase "$*" in *-mavx512f*) exit 1;; esac\nexec {" ".join(CXX)} "$@"\n')
    old.chmod(0o755)
    wheel, messages = tree.build(CC=str(old), CXX=str(old))
    assert tell(wheel, tmp_path)[0] == {"avx2": 8, "portable": 4}
    left_out = ", ".join([*TILES, "avx512"])
    assert notes(messages) == [
        f"{NOTE}compiled kernels built for avx2, portable; left out, for this compiler cannot build it: {left_out}"
    ]


@needs_compiler
def test_a_changed_header_builds_again_and_an_unchanged_one_does_not(tree: Tree, tmp_path: Path) -> None:
    tree.build()
    assert notes(tree.build()[1]) == []
    later = time.time() + 5
    (tree.folder / "kernels" / "base.h").write_text("#define BASE 3\n")
    os.utime(tree.folder / "kernels" / "base.h", (later, later))
    assert tell(tree.build()[0], tmp_path)[0] == {**WIDTHS, list(WIDTHS)[-1]: 3}


@needs_compiler
def test_an_editable_install_has_the_module_beside_the_sources_until_it_cannot_be_built(tree: Tree) -> None:
    tree.build("editable")
    module = next((tree.folder / "src" / "gatecast").glob("_kernels.abi3.*"))
    assert json.loads(tree.python(TELL, PYTHONPATH="src"))[2] == str(module)
    (tree.folder / "kernels" / "module.cpp").write_text("this is no C++\n")
    _, messages = tree.build("editable")
    assert "WITHOUT compiled kernels" in notes(messages)[-1]
    assert not module.exists()


@needs_compiler
def test_a_source_that_does_not_compile_leaves_no_older_module_in_the_wheel(tree: Tree, tmp_path: Path) -> None:
    tree.build()
    (tree.folder / "kernels" / "module.cpp").write_text("this is no C++\n")
    later = time.time() + 5
    os.utime(tree.folder / "kernels" / "module.cpp", (later, later))
    wheel, messages = tree.build()
    assert wheel.name.endswith("-py3-none-any.whl")
    assert len(notes(messages)) == 1
    assert tell(wheel, tmp_path)[:2] == [None, "not built (install a C++ compiler and reinstall)"]


@needs_compiler
def test_the_source_distribution_builds_the_kernels(tree: Tree, tmp_path: Path) -> None:
    (tree.folder / "kernels" / "sanitize").write_text("#!/bin/sh\n")
    archive, _ = tree.build("sdist")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path / "unpacked", filter="data")
    unpacked = Tree(next((tmp_path / "unpacked").iterdir()))
    assert {path.name for path in (unpacked.folder / "kernels").iterdir()} >= {
        "variant.cpp",
        "module.cpp",
        "base.h",
        "sanitize",
    }
    assert tell(unpacked.build()[0], tmp_path)[0] == WIDTHS


# ---------------------------------------------------------------- without

NO_COMPILER = {"CC": "/bin/false", "CXX": "/bin/false"}


@needs_pip
def test_pip_installs_without_a_compiler_and_info_says_so(tree: Tree, tmp_path: Path) -> None:
    site = tmp_path / "site"
    words = ["install", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(site), "."]
    tree.python(
        f"import sys, runpy; sys.argv[1:] = {words!r}; runpy.run_module('pip', run_name='__main__')", **NO_COMPILER
    )
    outside = Tree(tmp_path)
    program = "import gatecast; from gatecast.cli.main import main; main(['info', '--json'])"
    found = json.loads(outside.python(program, PYTHONPATH=str(site)))["kernels"]
    assert found == {"variant": None, "variants": [], "reason": "not built (install a C++ compiler and reinstall)"}


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        (NO_COMPILER, "/bin/false returned non-zero exit status 1."),
        ({"PATH": "/nowhere", "CC": "g++", "CXX": "g++"}, "No such file or directory: 'g++'"),
        ({"GATECAST_BUILD_KERNELS": "0"}, "GATECAST_BUILD_KERNELS=0"),
    ],
    ids=["broken compiler", "no compiler", "switched off"],
)
def test_one_line_says_why_the_kernels_are_left_out(tree: Tree, environment: dict[str, str], reason: str) -> None:
    wheel, messages = tree.build(**environment)
    assert wheel.name.endswith("-py3-none-any.whl")
    assert root_is_pure(wheel)
    (line,) = notes(messages)
    assert line.startswith(f"{NOTE}built WITHOUT compiled kernels, torch's nn.LSTM serves. Reason: ")
    assert line.endswith(reason)


def test_missing_python_headers_are_named(tree: Tree) -> None:
    prelude = "import setuptools, distutils.sysconfig as s; s.get_python_inc = lambda *a, **k: '/nowhere'"
    _, messages = tree.build(prelude=prelude)
    assert "no Python.h in " in notes(messages)[0]
    assert "/nowhere, install Python's headers (Debian: apt install python3-dev)" in notes(messages)[0]


def test_a_tree_without_the_kernels_builds(tree: Tree) -> None:
    shutil.rmtree(tree.folder / "kernels")
    wheel, messages = tree.build()
    assert wheel.name.endswith("-py3-none-any.whl")
    assert notes(messages)[0].endswith("Reason: kernels/variant.cpp is not there")


# ---------------------------------------------------------------- flags


@pytest.fixture
def setup_py(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What setup.py defines."""
    setuptools = pytest.importorskip("setuptools")
    monkeypatch.setattr(setuptools, "setup", lambda **_: None)
    monkeypatch.chdir(ROOT)
    return runpy.run_path("setup.py")


@pytest.mark.parametrize(
    ("system", "names"),
    [
        ("linux-x86_64", ["amx", "avx512", "avx2", "portable"]),
        ("win-amd64", ["avx512", "avx2", "portable"]),
        ("macosx-11.0-x86_64", ["avx512", "avx2", "portable"]),
        ("linux-aarch64", ["neon"]),
        ("macosx-11.0-arm64", ["neon"]),
        ("win-arm64", ["neon"]),
        ("linux-riscv64", ["portable"]),
    ],
)
def test_instruction_sets_of_machines(setup_py: dict[str, Any], system: str, names: list[str]) -> None:
    assert list(setup_py["instruction_sets"](system)) == names


@pytest.mark.parametrize(
    ("flags", "names", "tag"),
    [
        ("-arch arm64", ["neon"], "macosx_11_0_arm64"),
        ("-arch x86_64", ["avx512", "avx2", "portable"], "macosx_11_0_x86_64"),
        ("-arch arm64 -arch x86_64", ["portable"], "macosx_11_0_universal2"),
    ],
)
def test_on_macos_the_flags_say_which_machine(
    setup_py: dict[str, Any], monkeypatch: pytest.MonkeyPatch, flags: str, names: list[str], tag: str
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("ARCHFLAGS", flags)
    assert list(setup_py["instruction_sets"]("macosx-10.9-universal2")) == names
    assert setup_py["for_one_machine"]("macosx_11_0_universal2") == tag


def test_macos_gets_one_machine_and_a_new_enough_system(
    setup_py: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ARCHFLAGS", raising=False)
    for configured, expected in {"10.9": "11.0", "14.2": "14.2", None: "11.0"}.items():
        monkeypatch.delenv("MACOSX_DEPLOYMENT_TARGET", raising=False)
        monkeypatch.setattr(sysconfig, "get_config_var", lambda _, found=configured: found)
        setup_py["prepare_macos"]()
        assert os.environ["ARCHFLAGS"] == f"-arch {platform.machine()}"
        assert os.environ["MACOSX_DEPLOYMENT_TARGET"] == expected


# ---------------------------------------------------------------- finding them


def test_kernels_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATECAST_KERNELS", " OFF")
    assert kernels._found.__wrapped__() == (None, "switched off (GATECAST_KERNELS=off)")


def test_kernels_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATECAST_KERNELS", raising=False)
    monkeypatch.setitem(sys.modules, "gatecast._kernels", None)
    assert kernels._found.__wrapped__() == (None, "not built (install a C++ compiler and reinstall)")


@pytest.mark.parametrize("error", [ImportError("wrong\nmachine"), ModuleNotFoundError("no numpy", name="numpy")])
def test_kernels_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch, error: ImportError) -> None:
    class Broken:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "gatecast._kernels":
                raise error

    monkeypatch.delenv("GATECAST_KERNELS", raising=False)
    monkeypatch.delitem(sys.modules, "gatecast._kernels", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    if isinstance(error, ModuleNotFoundError):
        with pytest.raises(ModuleNotFoundError):
            kernels._found.__wrapped__()
    else:
        assert kernels._found.__wrapped__() == (None, "cannot be loaded: wrong machine")


def test_the_environment_picks_an_instruction_set(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[str] = []
    extension = SimpleNamespace(variants=lambda: ("avx2", "portable"), use=used.append)
    monkeypatch.setitem(sys.modules, "gatecast._kernels", extension)
    monkeypatch.setattr("gatecast._kernels", extension, raising=False)
    monkeypatch.setenv("GATECAST_KERNELS", "portable")
    assert kernels._found.__wrapped__() == (extension, "")
    assert used == ["portable"]
    monkeypatch.setenv("GATECAST_KERNELS", "avx1024")
    with pytest.raises(ConfigError, match="GATECAST_KERNELS=avx1024: this machine can run avx2, portable; off means"):
        kernels._found.__wrapped__()


def test_load_and_reason_agree() -> None:
    assert (kernels.load() is None) == bool(kernels.reason())
    assert kernels.load() is kernels.load()


# ---------------------------------------------------------------- the kernels themselves


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder where the project's own kernels were built, and the messages of the build."""
    tree = copy_of_project(tmp_path_factory.mktemp("real") / "project")
    shutil.copytree(ROOT / "kernels", tree.folder / "kernels")
    _, messages = tree.build()
    return tree.folder, messages


@needs_compiler
@pytest.mark.slow
def test_the_kernels_build_for_every_instruction_set_without_a_warning(real: tuple[Path, str]) -> None:
    assert notes(real[1]) == [f"{NOTE}compiled kernels built for {', '.join(WIDTHS)}"]
    assert not [line for line in real[1].splitlines() if "warning:" in line and line.startswith(("kernels/", "/usr/"))]


@needs_compiler
@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("nm"), reason="needs nm")
def test_instruction_sets_share_no_function(real: tuple[Path, str]) -> None:
    """The linker keeps one of several like-named functions; a machine without AVX-512 must never run AVX-512's."""
    for name in WIDTHS:
        (file,) = real[0].glob(f"build/temp*/{name}/kernels/variant.o")
        listed = subprocess.run(["nm", "-C", file], check=True, capture_output=True, text=True).stdout
        merged = [line for line in listed.splitlines() if re.search(r" [WVu] ", line)]
        assert not merged, f"{name}: {merged}"
