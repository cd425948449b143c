"""Build the compiled kernels, ``gatecast._kernels``, where that can be done; everything else stands in pyproject.toml.

``kernels/variant.cpp`` is compiled once per instruction set, every other source once, and all go into one module for
CPython's stable ABI. Where it cannot be built the package is installed without it, and one line says why.

Environment:
    GATECAST_BUILD_KERNELS: 0 leaves the kernels out.
    GATECAST_KERNELS_FLAGS: more flags for compiler and linker, put last (``kernels/sanitize`` does that).
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shlex
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError

Macros = Sequence[tuple[str, str | None]]
Sets = dict[str, tuple[list[str], list[str]]]  # the flags of gcc and clang, and MSVC's

# setup() wants paths that are relative to this file's folder, with slashes; it runs there.
SOURCES = sorted(path.as_posix() for path in Path("kernels").glob("*.cpp"))
HEADERS = sorted(path.as_posix() for path in Path("kernels").glob("*.h"))
VARIANT = "kernels/variant.cpp"
OLDEST_PYTHON = (3, 11)
OLDEST_MACOS = "11.0"  # C++17's aligned new needs 10.13, torch needs more
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))  # has no stable ABI before Python 3.15

# Instruction sets per machine, from the best to the one that always runs.
AVX512 = ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw", "-mavx2", "-mfma"]
AVX512 += ["-Wno-uninitialized"]  # is about gcc's own header
X86: Sets = {
    "avx512": (AVX512, ["/arch:AVX512"]),
    "avx2": (["-mavx2", "-mfma"], ["/arch:AVX2"]),
    "portable": ([], []),
}
LINUX_X86: Sets = {"amx": ([*AVX512, "-mavx512bf16", "-mamx-tile", "-mamx-bf16"], []), **X86}  # others give no tiles
ARM: Sets = {"neon": ([], [])}
OTHER: Sets = {"portable": ([], [])}
MACHINES = {"x86_64": X86, "amd64": X86, "aarch64": ARM, "arm64": ARM}

# No -ffast-math: NaN has to stay NaN. No debug lines, which Python's own flags ask for: they are most of the file.
# Only the module's entry is visible, so that no name can meet one of torch's. -fwrapv, which Python asks for, costs
# speed in loops and hides overflows from the sanitizer.
GCC = ["-std=c++17", "-O3", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math", "-pthread"]
GCC += ["-fvisibility=hidden", "-fno-wrapv", "-g0"]
# No /GL, which distutils asks for: the linker would then be free to give one instruction set's code to another.
MSVC = ["/std:c++17", "/O2", "/EHsc", "/GL-"]


class NotBuiltError(Exception):
    """Why the kernels are left out."""


ERRORS = (NotBuiltError, BaseError, CCompilerError, OSError)


class build_kernels(build_ext):  # noqa: N801 -- commands of setuptools are named like this
    """Compiles each source with its own flags, and goes on without the extension where that fails."""

    def run(self) -> None:
        """Build, then forget an extension that is not there, so that the wheel is tagged for what it holds."""
        super().run()
        for extension in list(self.extensions):
            if not Path(self.get_ext_fullpath(extension.name)).exists():
                self.extensions.remove(extension)

    def copy_extensions_to_source(self) -> None:
        """For an editable install. What an earlier one left must not pass for what was built now."""
        for extension in self.extensions:
            Path(self.get_ext_fullpath(extension.name)).unlink(missing_ok=True)
        super().copy_extensions_to_source()

    def build_extension(self, ext: Extension) -> None:
        """Build it, or say in one line why not."""
        module = Path(self.get_ext_fullpath(ext.name))
        try:
            if os.environ.get("GATECAST_BUILD_KERNELS") == "0":
                raise NotBuiltError("GATECAST_BUILD_KERNELS=0")
            if VARIANT not in ext.sources:
                raise NotBuiltError(f"{VARIANT} is not there")
            if self.force or not is_newer(module, [*ext.sources, *ext.depends]):
                self._build(ext, module)
        except ERRORS as error:
            module.unlink(missing_ok=True)
            say(f"gatecast: built WITHOUT compiled kernels, torch's nn.LSTM serves. Reason: {self._reason(error)}")

    def _build(self, ext: Extension, module: Path) -> None:
        if self._msvc and not self.compiler.initialized:
            self.compiler.initialize()  # here, or every thread below would do it
        sets = instruction_sets(self.plat_name)
        with ThreadPoolExecutor(processors()) as pool:
            variants = self._compile_variants(sets, pool)
            macros = [(f"GATECAST_HAS_{name.upper()}", None) for name in variants]
            others = [source for source in ext.sources if source != VARIANT]
            compiled = list(pool.map(lambda source: self._compile(source, "baseline", macros, self._exact), others))
        # A template that two instruction sets share is linked once, and linkers keep the first one they meet.
        # So the code that runs everywhere comes first, and the best set last.
        self.compiler.link_shared_object(
            [file for files in [*compiled, *variants.values()] for file in files],
            str(module),
            libraries=self.get_libraries(ext),
            library_dirs=ext.library_dirs,
            extra_postargs=[*([] if self._msvc else ["-pthread"]), *more_flags()],
            export_symbols=self.get_export_symbols(ext),
            build_temp=self.build_temp,
            target_lang="c++",
        )
        left_out = [name for name in sets if name not in variants]
        without = f"; left out, for this compiler cannot build it: {', '.join(left_out)}" if left_out else ""
        say(f"gatecast: compiled kernels built for {', '.join(reversed(variants))}{without}")

    def _compile_variants(self, sets: Sets, pool: ThreadPoolExecutor) -> dict[str, list[str]]:
        """Objects per instruction set, from the one that always runs to the best; one that fails is left out."""
        running = {
            name: pool.submit(self._compile, VARIANT, name, [("GATECAST_VARIANT", name)], msvc if self._msvc else gcc)
            for name, (gcc, msvc) in sets.items()
        }
        always, *better = reversed(running)
        compiled = {always: running[always].result()}
        for name in better:
            with contextlib.suppress(*ERRORS):  # the compiler has said what it misses
                compiled[name] = running[name].result()
        return compiled

    def _compile(self, source: str, folder: str, macros: Macros, flags: Iterable[str] = ()) -> list[str]:
        if not FREE_THREADED:
            macros = [*macros, ("Py_LIMITED_API", "0x{:02x}{:02x}0000".format(*OLDEST_PYTHON))]
        return self.compiler.compile(
            [source],
            output_dir=str(Path(self.build_temp, folder)),
            macros=macros,
            include_dirs=[],
            extra_postargs=[*(MSVC if self._msvc else GCC), *flags, *more_flags()],
        )

    @property
    def _exact(self) -> list[str]:
        """Flags with which every operation rounds on its own, as numpy's do; MSVC fuses none."""
        return [] if self._msvc else ["-ffp-contract=off"]

    @property
    def _msvc(self) -> bool:
        return self.compiler.compiler_type == "msvc"

    def _reason(self, error: Exception) -> str:
        """In one line; without Python's headers nothing compiles, whatever the compiler says."""
        text = re.sub(r"Command '\['([^']+)'.*\]' returned", r"\1 returned", " ".join(str(error).split()))
        if isinstance(error, NotBuiltError) or any(Path(folder, "Python.h").exists() for folder in self.include_dirs):
            return text
        folders = ", ".join(dict.fromkeys(self.include_dirs))
        return f"no Python.h in {folders}, install Python's headers (Debian: apt install python3-dev); {text}"


class tagged_wheel(bdist_wheel):  # noqa: N801 -- commands of setuptools are named like this
    """Tags the wheel cp311-abi3 with the kernels, py3-none-any without."""

    def finalize_options(self) -> None:
        """One wheel serves every later Python."""
        if not FREE_THREADED:
            self.py_limited_api = "cp{}{}".format(*OLDEST_PYTHON)
        super().finalize_options()

    def run(self) -> None:
        """The tag depends on what could be built, so build that first."""
        if not self.skip_build:
            self.run_command("build_ext")
        self.root_is_pure = not self.distribution.has_ext_modules()
        super().run()

    def get_tag(self) -> tuple[str, str, str]:
        """Python, binary interface and system."""
        python, abi, system = super().get_tag()
        return python, abi, for_one_machine(system)


def instruction_sets(platform_name: str) -> Sets:
    """What to build for ``linux-x86_64``, ``macosx-11.0-arm64``, ``win-amd64``."""
    machines = macos_machines() or [platform_name.rsplit("-", 1)[-1]]
    if len(machines) > 1 or sys.maxsize < 2**32:
        return OTHER
    sets = MACHINES.get(machines[0], OTHER)
    return LINUX_X86 if sets is X86 and platform_name.startswith("linux") else sets


def for_one_machine(system: str) -> str:
    """A universal Python on macOS gets kernels for one machine; the wheel's tag must not promise two."""
    machines = macos_machines()
    return system.replace("universal2", machines[0]) if len(machines) == 1 else system


def macos_machines() -> list[str]:
    """What macOS's compiler is told to build for; empty elsewhere."""
    return re.findall(r"-arch\s+(\S+)", os.environ.get("ARCHFLAGS", "")) if sys.platform == "darwin" else []


def prepare_macos() -> None:
    """Build for one machine on a new enough macOS; a universal Python would ask for two on the oldest."""
    os.environ.setdefault("ARCHFLAGS", f"-arch {platform.machine()}")
    configured = str(sysconfig.get_config_var("MACOSX_DEPLOYMENT_TARGET") or OLDEST_MACOS)
    newest = max(configured, OLDEST_MACOS, key=lambda text: [int(part) for part in re.findall(r"\d+", text)])
    os.environ.setdefault("MACOSX_DEPLOYMENT_TARGET", newest)


def is_newer(module: Path, files: Iterable[str]) -> bool:
    """Whether the module was built after the last change of what it is made from."""
    return module.exists() and all(module.stat().st_mtime > Path(file).stat().st_mtime for file in files)


def processors() -> int:
    """How many compilers to run at a time."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def more_flags() -> list[str]:
    """Flags that go last."""
    return shlex.split(os.environ.get("GATECAST_KERNELS_FLAGS", ""))


def say(line: str) -> None:
    """Print among the messages of the build."""
    print(line, file=sys.stderr, flush=True)


if sys.platform == "darwin":
    prepare_macos()

setup(
    ext_modules=[
        Extension(
            "gatecast._kernels",
            SOURCES,
            depends=[*HEADERS, "setup.py"],
            language="c++",
            optional=True,
            py_limited_api=not FREE_THREADED,
        )
    ],
    cmdclass={"build_ext": build_kernels, "bdist_wheel": tagged_wheel},
)
