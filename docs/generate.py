"""Write ``docs/api.md`` and ``docs/cli.md`` from the docstrings and from the command line's own help.

Run as ``python docs/generate.py``. A test runs the same functions and fails where a file is stale.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gatecast

__all__ = ["api_reference", "cli_reference", "write"]

FOLDER = Path(__file__).parent
NOTE = "<!-- Written by `python docs/generate.py`. Change the docstrings, not this file. -->\n"
EXIT_CODES = """## Every command

`-q` (`--quiet`) prints nothing but errors; files are written all the same, and `--json` is printed. `--log FILE.jsonl`
adds a line of JSON for the beginning, each step and the end, without any path or value of yours.

Options may also come from a file `gatecast.toml` in the working folder, under the name of the command, and from the
environment. What is typed comes first, then the environment, then the file; a line on stderr names what came so.

<!-- not run: a file -->
```toml
[forecast]
horizon = 14
future-columns = ["promo"]
```

<!-- not run: changes the environment -->
```console
$ GATECAST_FORECAST_HORIZON=7 gatecast forecast sales.csv
```

## Exit codes

| code | meaning |
|---|---|
| 0 | done |
| 1 | a fault of Gatecast itself, with a traceback: please report it |
| 2 | something that you can put right: a table, an option, a file; one line on stderr says what |
| 3 | `--fail-unless`: the verdict is not good enough; `check`: something is off. All was computed and written |
| 130, 143 | Ctrl-C, SIGTERM: what was reached by then is shown and written |
| 141 | the reader of the output (`head`, a pager) left early; files are written all the same |

The verdict has three outcomes, the same on the screen, on the page and in [JSON](json.md): **better** (green) where a
test at 5 % says that the model beats the best naive forecast, **worse** (yellow) where it says the opposite, and
**undecided** (grey) in all other cases. `--fail-unless better` accepts the first alone, `--fail-unless undecided` all
but worse.
"""
SECTIONS = ("Args:", "Returns:", "Raises:")
WIDTH = 100
COLUMNS = 120


def api_reference() -> str:
    """The public names with signature and docstring, as Markdown."""
    parts = [
        NOTE,
        "# API\n",
        "Everything that `import gatecast as gc` offers. Shapes are written with one letter per axis:",
    ]
    parts.append("see [the glossary](glossary.md).\n")
    parts.append("\n".join(f"- [`gc.{name}`](#gc{name.lower()}): {summary(name)}" for name in gatecast.__all__) + "\n")
    for name in gatecast.__all__:
        parts.extend(_described(name, getattr(gatecast, name)))
    return wrapped("\n".join(parts).rstrip() + "\n")


def cli_reference() -> str:
    """The commands with their options, as Markdown."""
    from gatecast.cli.main import EXAMPLES, app

    text = app.generate_docs(output_format="markdown", recursive=True).rstrip() + "\n\n" + EXIT_CODES
    for name, lines in EXAMPLES.items():
        shown = "```console\n" + "\n".join(lines) + "\n```\n\n"
        text = re.sub(rf"(^## gatecast {name}\n.*?)(?=^## )", rf"\1{shown}", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^# gatecast$", "# Command line", text, count=1, flags=re.MULTILINE)
    return wrapped(NOTE + "\n" + text.rstrip() + "\n")


def wrapped(text: str) -> str:
    """Markdown whose paragraphs and list items are no wider than a page; code stays as it is."""
    lines, code = list[str](), False
    for line in text.split("\n"):
        code ^= line.startswith("```")
        if code or len(line) <= COLUMNS or line.startswith(("|", "#")):
            lines.append(line)
            continue
        indent = " " * (len(line) - len(line.lstrip(" *-")))
        lines += textwrap.wrap(
            line, COLUMNS, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )  # fmt: skip
    return "\n".join(lines)


def summary(name: str) -> str:
    """First sentence of the docstring of a public name."""
    first = " ".join((inspect.getdoc(getattr(gatecast, name)) or "").split("\n\n")[0].split())
    return first.split(". ")[0].rstrip(".:")


def _described(name: str, thing: Any) -> Iterator[str]:
    """Heading, signature, docstring; for a class its public members too, those of its own bases among them."""
    yield f"## gc.{name}\n"
    yield f"```text\n{_signature(f'gc.{name}', thing)}\n```\n"
    yield markdown(inspect.getdoc(thing) or "")
    if not inspect.isclass(thing):
        return
    own = [kind for kind in thing.__mro__ if kind.__module__.startswith("gatecast.")]
    members = {member: value for kind in reversed(own) for member, value in vars(kind).items()}
    for member, value in sorted(members.items(), key=lambda item: item[0] not in vars(thing)):
        if member.startswith("_"):
            continue
        if isinstance(value, property):
            yield f"### {name}.{member}\n"
            yield markdown(inspect.getdoc(value) or "")
        elif inspect.isfunction(value) or isinstance(value, classmethod):
            yield f"### {name}.{member}()\n"
            yield f"```text\n{_signature(member, getattr(thing, member))}\n```\n"
            yield markdown(inspect.getdoc(value) or "")


class _Bare(str):
    """An annotation that is shown without quotes."""

    __repr__ = str.__str__


def _signature(name: str, thing: Any) -> str:
    """The call as it is written, without ``self``, over several lines where it is long."""
    if inspect.isclass(thing) and issubclass(thing, BaseException):
        return name
    signature = inspect.signature(thing)
    shown = [
        p if p.annotation is p.empty else p.replace(annotation=_Bare(p.annotation))
        for p in signature.parameters.values()
        if p.name != "self"
    ]
    returned = signature.return_annotation
    result = "" if returned is signature.empty or inspect.isclass(thing) else f" -> {_Bare(returned)}"
    one_line = str(signature.replace(parameters=shown, return_annotation=signature.empty))
    line = f"{name}{one_line}{result}"
    if len(line) <= WIDTH:
        return line
    starred = any(p.kind is p.KEYWORD_ONLY for p in shown) and not any(p.kind is p.VAR_POSITIONAL for p in shown)
    rows: list[str] = []
    for parameter in shown:
        if starred and parameter.kind is parameter.KEYWORD_ONLY and "*" not in rows:
            rows.append("*")
        rows.append(str(parameter))
    body = "".join(f"    {row},\n" for row in rows)
    return f"{name}(\n{body}){result}"


def markdown(doc: str) -> str:
    """A Google-style docstring as Markdown: sections become lists, examples become blocks."""
    lines: list[str] = []
    section, example = False, False
    for line in [*doc.splitlines(), ""]:
        if example and not line.strip():
            lines.append("```")
            example = False
        if line in SECTIONS:
            section = line != "Returns:"
            lines += [f"**{line.rstrip(':')}**", ""]
            continue
        if line.startswith(">>> ") and not example:
            lines.append("```pycon")
            example = True
        if line and not line[0].isspace() and not example:
            section = False
        lines.append(_item(line) if section else line.removeprefix("    ") if lines[-2:-1] == ["**Returns**"] else line)
    text = "\n".join(lines).rstrip() + "\n"
    return re.sub(r"(?<!`)``(?!`)", "`", text)


def _item(line: str) -> str:
    """``    name: text`` -> a list item; deeper lines go on with it."""
    found = re.match(r"^ {4}([\w.*, ]+): (.*)$", line)
    if found:
        return f"- `{found[1]}`: {found[2]}"
    return f"  {line.strip()}" if line.strip() else ""


def write() -> None:
    """Write both files."""
    (FOLDER / "api.md").write_text(api_reference(), encoding="utf-8")
    (FOLDER / "cli.md").write_text(cli_reference(), encoding="utf-8")


if __name__ == "__main__":
    write()
