"""Writes the pages of docs/reference/ from the code: settings, metrics, errors, commands and the JSON API.

    python -m tools.reference          (make reference)

Enters: `Settings`, `Metrics`, the tree of errors.py, the commands and the routes. Leaves: Markdown. A test holds pages
and code together (tests/test_reference.py); what the pages say is written once, beside what it describes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import typer
from fastapi import FastAPI
from prometheus_client import Counter, Gauge, Histogram
from pydantic.fields import FieldInfo
from typer.core import TyperCommand, TyperGroup

from notifier import errors
from notifier.cli import app as command_line
from notifier.config.settings import PREFIX, Settings
from notifier.errors import NotifierError
from notifier.telemetry import Metrics
from notifier.web.app import OPERATOR_API, ROUTERS
from notifier.web.errors import WORDS

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
MADE = "<!-- Written by `make reference` from the code: change it there. -->\n\n"


def settings() -> str:
    """Every setting: its default, its bounds and its meaning."""
    rows = [
        (f"`{PREFIX}{name.upper()}`", _default(field), _bounds(field), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    intro = (
        "From the environment, or from a file `.env` in the folder where the service starts (the environment wins). "
        "A name\n"
        "that is not listed here is refused, so that a spelling mistake is not ignored. [Running "
        "it](../operating.md) says\n"
        "what to set before going live.\n\n"
    )
    return _page("Settings", intro + _table(("setting", "default", "may be", "meaning"), rows))


def _default(field: FieldInfo) -> str:
    value = field.default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`" if str(value) else ""


def _bounds(field: FieldInfo) -> str:
    """What a value has to keep to, as pydantic checks it."""
    words = []
    for bound in field.metadata:
        for name, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
            if (limit := getattr(bound, name, None)) is not None:
                words.append(f"{sign} {limit:,}")
        if pattern := getattr(bound, "pattern", None):
            words.append(", ".join(f"`{choice}`" for choice in pattern.strip("^$()").split("|")))
        if longest := getattr(bound, "max_length", None):
            words.append(f"{longest} characters")
    return ", ".join(words)


def metrics() -> str:
    """Every metric that `/metrics` has: its labels, its kind and its meaning."""
    kinds = {Counter: "counter", Gauge: "gauge", Histogram: "histogram"}
    rows = []
    for metric in vars(Metrics()).values():
        if isinstance(metric, Counter | Gauge | Histogram):
            name = metric._name + ("_total" if isinstance(metric, Counter) else "")  # noqa: SLF001 - the library shows it nowhere else
            labels = "{" + ",".join(metric._labelnames) + "}" if metric._labelnames else ""  # noqa: SLF001
            rows.append((f"`{name}{labels}`", kinds[type(metric)], metric._documentation))  # noqa: SLF001
    intro = "What Prometheus reads at `/metrics`. [Who may, and how](../operating.md#health).\n\n"
    return _page("Metrics", intro + _table(("metric", "kind", "meaning"), rows))


def error_codes() -> str:
    """Every code that leaves the service: its HTTP status, its meaning and what a person is told to do."""
    kinds = sorted(_kinds(NotifierError), key=lambda kind: (kind.http_status, kind.code))
    rows = [
        (
            f"`{kind.code}`",
            str(kind.http_status),
            _first(inspect.getdoc(kind)),
            WORDS[kind.code].detail if kind.code in WORDS else "–",
        )
        for kind in kinds
        if kind is not NotifierError
    ]
    intro = (
        "Every error that leaves the service has one stable code: in the JSON answers (`application/problem+json`, "
        "field\n"
        "`code`) and in the log. `internal` (500) is a defect of ours: the log has a traceback. The web server "
        "itself adds\n"
        "three, for requests that no route takes: `request-invalid` (422, with `errors` that name each place but "
        "never its\n"
        "value), `too-large` (413) and `method-not-allowed` (405).\n\n"
    )
    return _page("Error codes", intro + _table(("code", "HTTP", "meaning", "what a person is told"), rows))


def _kinds(base: type[NotifierError]) -> set[type[NotifierError]]:
    """The tree of errors.py; a room's own refinement of a kind has that kind's code."""
    below = {kind for kind in base.__subclasses__() if kind.__module__ == errors.__name__}
    return {base}.union(*(_kinds(kind) for kind in below))


def commands() -> str:
    """Every command: how it is called, what it does, its options."""
    command = typer.main.get_command(command_line)
    intro = (
        "`notifier COMMAND --help` says the same. Exit codes: 0 well, 1 the answer is no, 2 it could not be done.\n\n"
    )
    return _page("Commands", intro + "\n".join(_commands(command, "notifier")))


def _commands(command: Any, path: str) -> Iterator[str]:
    callable_itself = not isinstance(command, TyperGroup) or (command.invoke_without_command and path != "notifier")
    if callable_itself:
        yield _command(command, path)
    if isinstance(command, TyperGroup):
        for name in sorted(command.commands):
            yield from _commands(command.commands[name], f"{path} {name}")


def _command(command: TyperCommand | TyperGroup, path: str) -> str:
    arguments = [_argument(one) for one in command.params if one.param_type_name == "argument"]
    said = command.callback.__doc__ if isinstance(command, TyperGroup) else command.help  # a group's is of its commands
    help_ = inspect.cleandoc(said or "")
    rows = [
        (
            f"`{', '.join([*one.opts, *one.secondary_opts]) if one.param_type_name == 'option' else _argument(one)}`",
            " ".join((getattr(one, "help", None) or "").split()),
            _preset(one),
        )
        for one in command.params
        if one.name != "help"
    ]
    table = "\n" + _table(("", "meaning", "default"), rows) if rows else ""
    return f"## `{' '.join([path, *arguments])}`\n\n{help_}\n{table}"


def _argument(parameter: Any) -> str:
    name = str(parameter.metavar or parameter.name).upper().rstrip("_")
    return name if parameter.required else f"[{name}]"


def _preset(parameter: Any) -> str:
    value = parameter.default
    if parameter.required or callable(value) or value in (None, "", (), False):
        return ""
    return f"`{getattr(value, 'value', value)}`"


def api() -> str:
    """Every operation of the JSON API, from its OpenAPI description."""
    described = FastAPI()
    for router in ROUTERS + OPERATOR_API:
        described.include_router(router)
    paths: dict[str, dict[str, Any]] = described.openapi()["paths"]
    intro = (
        "Described by OpenAPI at `/api/openapi.json` of your own service, with every field. [How to use it](../api.md);"
        " what is refused has one of the [error codes](errors.md).\n"
    )
    parts = [intro]
    for tag, heading in (("operators", "For operators’ programs"), ("subscribers", "For the subscribers’ page")):
        rows = [
            (f"`{method.upper()} {path}`", _first(operation.get("description")), ", ".join(_wanted(operation)))
            for path, methods in paths.items()
            for method, operation in methods.items()
            if tag in operation.get("tags", ())
        ]
        parts.append(f"## {heading}\n\n" + _table(("request", "what it does", "takes"), rows))
    return _page("The JSON API", "\n".join(parts))


def _wanted(operation: dict[str, Any]) -> Iterator[str]:
    """The parameters of the query, and the name of the body's shape."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query":
            yield f"`{parameter['name']}`"
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield str(content["schema"].get("$ref", "a body")).rpartition("/")[2]


def _first(text: str | None) -> str:
    """The first paragraph, on one line."""
    return " ".join((text or "").partition("\n\n")[0].split())


def _page(title: str, text: str) -> str:
    return f"# {title}\n\n{MADE}{text}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


PAGES: dict[str, Callable[[], str]] = {
    "settings": settings,
    "metrics": metrics,
    "errors": error_codes,
    "commands": commands,
    "api": api,
}


def page(name: str) -> str:
    """The text of a page."""
    return PAGES[name]()


def main() -> None:
    """Write every page."""
    FOLDER.mkdir(exist_ok=True)
    for name in PAGES:
        (FOLDER / f"{name}.md").write_text(page(name), encoding="utf-8")


if __name__ == "__main__":
    main()
