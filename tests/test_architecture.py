"""The shape of the code: imports run one way, files stay small, help stays fast, nothing executes what it reads."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import gatecast

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "gatecast"
FILES = sorted(SOURCE.rglob("*.py"))

# Bottom to top, one layer to a package. A module may import what is lower, and packages of its own layer.
LAYERS = (
    ("errors", "progress", "_kernels"),
    ("data",),
    ("data.tables",),
    ("data.examples", "data.scan"),
    ("windows", "nn", "statistical"),
    ("model", "evaluation", "forecasts"),
    ("engines", "training"),
    ("planning",),
    ("ensemble",),
    ("pretrained",),
    ("storage",),
    ("live", "export"),
    ("backtesting",),
    ("parameters",),
    ("forecaster", "regressor"),
    ("groups", "refreshing"),
    ("scale",),
    ("workflow", "tuning"),
    ("report", "demos", "sktime", "mlflow"),
    ("serving",),
    ("cli",),
    ("__main__",),
)
LAYER = {name: height for height, names in enumerate(LAYERS) for name in names}
# Made inside a function, so that the lower module can be imported without the upper one.
LAZY_UPWARD = {
    ("data.panel", "forecasts.plots"),
    ("forecasts.forecast", "forecasts.plots"),
    ("backtesting.backtest", "report"),
    ("workflow", "report.forecasts"),
    ("backtesting.assess", "groups.grouped"),
    ("backtesting.assess", "scale.evaluate"),
    ("backtesting.backtest", "scale.backtest"),
    ("forecaster", "scale.predict"),
    ("groups.grouped", "scale.predict"),
    ("live.live", "refreshing.refresh"),
}
FORBIDDEN_PACKAGES = {"backtest", "evaluate", "tune", "read", "load", "forecast"}  # would hide public functions
MOST_AT_THE_TOP, MOST_IN_A_FOLDER = 8, 15
COLUMNS = 120
FOREIGN_TO_NUMPY_LAYERS = {"torch", "matplotlib", "cyclopts", "rich"}
SERIALISERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle", "yaml"}
EXECUTING_CALLS = {"torch.load", "torch.save", "torch.jit.load", "np.load", "np.save", "np.savez", "numpy.load"}
LONGEST_FILE, LONGEST_FUNCTION = 400, 60
QUICK = 35.0  # starts of a bare interpreter: half a second where one takes 15 ms


def name_of(path: Path) -> str:
    """``data/panel.py`` -> "data.panel"."""
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    """Every imported module, and whether a function imports it; imports for type checkers are left out."""
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    lazy = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node in lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the layer"
            yield node.module or "", node in lazy


def layer_of(module: str) -> int | None:
    """Height of a module of Gatecast; None for ``gatecast`` itself."""
    package = package_of(module)
    return None if package is None else LAYER[package]


def package_of(module: str) -> str | None:
    """The entry of LAYERS that a module belongs to; None for ``gatecast`` itself."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        if (prefix := ".".join(parts[:length])) in LAYER:
            return prefix
    assert module in {"", "__init__"}, f"{module} has no layer: add it to LAYERS"
    return None


def own_imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Imports of Gatecast's own modules, without the leading ``gatecast.``."""
    for module, lazy in imports_of(tree_of(path)):
        if module.split(".")[0] == "gatecast":
            yield module.removeprefix("gatecast").removeprefix("."), lazy


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_run_one_way(path: Path) -> None:
    name = name_of(path)
    here = layer_of(name)
    if here is None:
        return
    for module, lazy in own_imports(path):
        there = layer_of(module)
        if there is None or (lazy and (name, module) in LAZY_UPWARD):
            continue
        assert there <= here, f"{name} imports {module}, which lies above it"


def without_circles(graph: dict[str, set[str]]) -> None:
    """Fail where a name leads back to itself."""
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, f"they import each other: {' > '.join((*way, name))}"
        if name not in done:
            for module in sorted(graph.get(name, ())):
                visit(module, (*way, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_no_two_modules_import_each_other() -> None:
    without_circles({name_of(p): {m for m, lazy in own_imports(p) if m and not lazy} for p in FILES})


def test_no_two_packages_import_each_other_at_run_time() -> None:
    """Imports inside functions count too; those that are listed do not."""
    graph: dict[str, set[str]] = {}
    for path in FILES:
        here = package_of(name_of(path))
        for module, _ in own_imports(path):
            there = package_of(module) if module else None
            if here and there and here != there and (name_of(path), module) not in LAZY_UPWARD:
                graph.setdefault(here, set()).add(there)
    without_circles(graph)


def test_listed_exceptions_exist() -> None:
    """An exception that nobody needs any more is taken off the list."""
    lazy = {(name_of(path), module) for path in FILES for module, lazily in own_imports(path) if lazily}
    assert lazy >= LAZY_UPWARD


def test_folders_hold_few_files_and_no_package_hides_a_function() -> None:
    for folder in {path.parent for path in FILES}:
        files = [path for path in FILES if path.parent == folder and path.name != "__init__.py"]
        most = MOST_AT_THE_TOP - 1 if folder == SOURCE else MOST_IN_A_FOLDER
        assert len(files) <= most, f"{folder.relative_to(ROOT)} holds {len(files)} files"
        assert folder.parent != SOURCE or folder.name not in FORBIDDEN_PACKAGES


PROSE_AND_CODE = [
    *FILES,
    *sorted(
        path
        for name in ("tests", "benchmarks", "docs")
        for path in (ROOT / name).rglob("*.py")
        if ".venv" not in path.parts  # that of the peers
    ),
    *sorted(path for path in (ROOT / "kernels").iterdir() if path.suffix in {".cpp", ".h"}),
    *sorted(path for path in ROOT.rglob("*.md") if not {"results", ".venv", ".pytest_cache"} & set(path.parts)),
]


@pytest.mark.parametrize("path", PROSE_AND_CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_lines_fit_on_a_page(path: Path) -> None:
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    rows_of_tables = path.suffix == ".md"
    wide = [n for n, line in lines if len(line) > COLUMNS and not (rows_of_tables and line.startswith("|"))]
    assert not wide, f"lines over {COLUMNS} columns: {wide}"


@pytest.mark.parametrize(
    "path",
    [p for p in FILES if name_of(p).split(".")[0] in {"data", "windows", "statistical", "evaluation", "errors"}],
    ids=name_of,
)
def test_data_and_evaluation_need_numpy_only(path: Path) -> None:
    used = {module.split(".")[0] for module, _ in imports_of(tree_of(path))}
    assert not used & FOREIGN_TO_NUMPY_LAYERS


def test_network_knows_no_panels_and_no_files() -> None:
    for path in (SOURCE / "model").glob("*.py"):
        used = {m for m, _ in own_imports(path) if m} - {"data.quantiles"}  # a position in a list of levels
        assert {m.split(".")[0] for m in used} <= {"errors", "model", "nn"}


def test_layers_know_the_kernels_alone() -> None:
    for path in (SOURCE / "nn").glob("*.py"):
        assert {m.split(".")[0] for m, _ in own_imports(path) if m} <= {"errors", "_kernels", "nn"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_nothing_executes_what_it_reads(path: Path) -> None:
    tree = tree_of(path)
    used = {module.split(".")[0] for module, _ in imports_of(tree)}
    assert not used & SERIALISERS
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"eval", "exec", "compile", "__import__"}, f"line {node.lineno}: {called}()"
            assert called not in EXECUTING_CALLS, f"line {node.lineno}: {called}()"
        assert not (isinstance(node, ast.keyword) and node.arg == "allow_pickle")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_and_functions_are_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node, clean=False)
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            lines -= documented.count("\n") + 1 if documented else 0
            assert lines <= LONGEST_FUNCTION, f"{node.name} has {lines} lines"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For compiled modules: an installed package has such a folder too."""
    return tmp_path_factory.mktemp("compiled")


def run_by_cpu(words: list[str], compiled: Path) -> tuple[float, str]:
    """CPU seconds of a Python process, and stdout."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    kept["PYTHONPYCACHEPREFIX"] = str(compiled)
    begun = os.times()
    shown = subprocess.run([sys.executable, *words], check=True, capture_output=True, text=True, cwd=ROOT, env=kept)
    ended = os.times()
    return ended.children_user + ended.children_system - begun.children_user - begun.children_system, shown.stdout


def quickest(program: str, compiled: Path) -> tuple[float, str]:
    """CPU time in starts of a bare interpreter, least of five runs, fewer once one is quick enough; and stdout.

    Beside a bare interpreter, for one machine is slower than another, and slower still when others use it.
    """
    best, output = float("inf"), ""
    for _ in range(5):
        bare, _ = run_by_cpu(["-c", "pass"], compiled)
        seconds, output = run_by_cpu(["-c", program], compiled)
        best = min(best, seconds / max(bare, 0.01))
        if best < QUICK:
            break
    return best, output


LOADED = "print(sorted(m for m in sys.modules if m in {'torch', 'numpy', 'polars', 'matplotlib'}))"


def test_import_is_quick_and_loads_no_torch(compiled: Path) -> None:
    starts, loaded = quickest(f"import sys; import gatecast; {LOADED}", compiled)
    assert loaded.strip() == "[]"
    assert starts < QUICK


@pytest.mark.parametrize("words", [["--help"], ["forecast", "--help"], ["demo", "--help"], ["--version"]], ids=" ".join)
def test_help_is_quick_and_loads_no_torch(words: list[str], compiled: Path) -> None:
    program = f"import sys; from gatecast.cli.main import main; code = main({words!r}); {LOADED}; sys.exit(code)"
    starts, shown = quickest(program, compiled)
    assert "torch" not in shown.splitlines()[-1]
    assert starts < QUICK


def test_reading_and_scoring_load_no_torch(compiled: Path) -> None:
    program = f"import sys, gatecast as gc; gc.load_example('airline').split(horizon=12); {LOADED}"
    _, loaded = quickest(program, compiled)
    assert "torch" not in loaded


@pytest.mark.parametrize("name", gatecast.__all__)
def test_public_names_are_documented(name: str) -> None:
    thing = getattr(gatecast, name)
    assert (thing.__doc__ or "").strip()
    if not isinstance(thing, type):
        return
    for member, value in vars(thing).items():
        if not member.startswith("_") and (callable(value) or isinstance(value, property | classmethod | staticmethod)):
            assert (getattr(value, "__doc__", None) or "").strip(), f"{name}.{member}"


def test_modules_are_documented_and_name_what_they_offer() -> None:
    for path in FILES:
        tree = tree_of(path)
        assert ast.get_docstring(tree), f"{name_of(path)} has no docstring"
        public = [n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name[0] != "_"]
        named = any(isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == "__all__" for n in tree.body)
        assert named or not public, f"{name_of(path)} has no __all__"


def test_all_names_exist() -> None:
    for path in FILES:
        if path.name != "__main__.py":
            module = importlib.import_module(f"gatecast.{name_of(path)}".rstrip(".").replace(".__init__", ""))
            missing = [name for name in getattr(module, "__all__", ()) if not hasattr(module, name)]
            assert not missing, f"{module.__name__} lacks {missing}"


def test_every_lint_ignore_says_why() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lint = tomllib.loads(text)["tool"]["ruff"]["lint"]
    codes = lint["ignore"] + [code for some in lint["per-file-ignores"].values() for code in some]
    for code in codes:
        lines = [line for line in text.splitlines() if f'"{code}"' in line and not line.startswith("select")]
        assert lines, code
        assert all(re.search(r"# \S+ \S+", line) for line in lines), f"{code} is ignored without a reason"
    for path in FILES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if "noqa" in line:
                assert re.search(r"noqa: [A-Z0-9, ]+ +(--|#) \S+ \S+", line), f"{path.name}:{number} gives no reason"
