"""`notifier check` and `notifier keys`: is everything as it must be, and what to do where it is not."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from notifier import __version__
from notifier.cli.terminal import explained, out, outside_in_words, settings
from notifier.config.json_schema import SchemaFile, schema_text
from notifier.errors import ConfigError, NotifierError

if TYPE_CHECKING:
    from notifier.config.settings import Settings
    from notifier.troubles import Trouble


def check(
    schema: Annotated[
        SchemaFile | None, typer.Option(help="Print a file's JSON Schema instead, for editors that complete and check")
    ] = None,
) -> None:
    """Look at settings, files, keys, database and what runs, and say what to do. Exit code 1 if something is wrong."""
    if schema is not None:
        typer.echo(schema_text(schema), nl=False)
        return
    chosen = settings()
    checks: list[tuple[str, Callable[[Settings], str]]] = [
        ("feeds.yaml", _feeds),
        ("topics.yaml", _topics),
        ("contact", _contact),
        ("allow-lists", _allowed),
        ("data folder", _data_folder),
        ("VAPID key", _key),
        ("secrets", _secrets),
        ("database", _database),
        ("port", _port),
        ("versions", _versions),
    ]
    well = True
    for name, look in checks:
        try:
            with outside_in_words():
                found = look(chosen)
            out.print(f"[green]ok[/]    {name:12} {escape(found)}", soft_wrap=True)
        except NotifierError as problem:
            well = False
            out.print(f"[bold red]wrong[/] {name:12} {escape(str(problem))}", soft_wrap=True)
    for trouble in _troubles(chosen):
        well = well and not trouble.grave
        mark = "[bold red]wrong[/]" if trouble.grave else "[yellow]note[/] "
        out.print(f"{mark} {trouble.code.value:12} {escape(f'{trouble.what}. {trouble.do}')}", soft_wrap=True)
    if not well:
        raise typer.Exit(1)


def _troubles(chosen: Settings) -> list[Trouble]:
    """What the settings alone say, and what the processes that run now say of themselves."""
    from notifier.diagnosis import merged, of_settings
    from notifier.wiring.parts import running_processes

    running = running_processes(chosen)
    if running:
        said = ", ".join(sorted(report.role for report in running))
        out.print(f"[green]ok[/]    {'running':12} {len(running)} of this service’s processes: {said}", soft_wrap=True)
    else:
        out.print(f"[green]ok[/]    {'running':12} no process of this service tells how it is", soft_wrap=True)
    public = chosen.base_url.startswith("https:")
    return merged([*(report.troubles for report in running), of_settings(chosen.contact, public=public)])


def keys() -> None:
    """Show the application server key (the public half), making the pair if there is none."""
    from notifier.wiring.parts import vapid_key

    chosen = settings()
    with explained():
        key = vapid_key(chosen)
    out.print(f"Key id       {key.key_id}")
    out.print(f"Public key   {key.application_server_key}", soft_wrap=True)
    out.print(f"Private key  {chosen.vapid_key_path} (mode 0600; back it up: without it every subscriber is lost)")


def _feeds(chosen: Settings) -> str:
    from notifier.config.files import load_feeds

    feeds = load_feeds(chosen.feeds_path)
    return f"{len(feeds)} feeds of {len({feed.publisher for feed in feeds})} publishers"


def _topics(chosen: Settings) -> str:
    from notifier.config.files import load_topics

    return f"{len(load_topics(chosen.topics_path))} topics"


def _contact(chosen: Settings) -> str:
    return chosen.contact


def _allowed(chosen: Settings) -> str:
    from notifier.config.settings import listed
    from notifier.outbound.addresses import AddressGuard
    from notifier.subscribers.endpoint import EndpointPolicy

    feeds, pushes = listed(chosen.feed_allow), listed(chosen.push_allow)
    AddressGuard.allowing(feeds)
    EndpointPolicy(pushes)
    return f"{len(feeds)} private hosts for feeds, {len(pushes)} further push services"


def _data_folder(chosen: Settings) -> str:
    """Asks the folder, or where there is none yet the one that it would be made in. Changes nothing."""
    wanted = chosen.data_dir.absolute()
    nearest = next(path for path in (wanted, *wanted.parents) if path.exists())
    if not nearest.is_dir():
        raise ConfigError("this is not a folder", fix="Set NOTIFIER_DATA_DIR to one", path=nearest)
    if not os.access(nearest, os.W_OK | os.X_OK):
        fix = "Give this user the right to, or set NOTIFIER_DATA_DIR"
        raise ConfigError("nothing can be written here", fix=fix, path=nearest)
    return str(chosen.data_dir) if nearest == wanted else f"{chosen.data_dir} will be made"


def _key(chosen: Settings) -> str:
    from notifier.push.vapid import load_key

    try:
        return f"{load_key(chosen.vapid_key_path).key_id} in {chosen.vapid_key_path}"
    except IsADirectoryError as folder:
        fix = "Move it away; the key is made at the next start, or comes from your backup"
        raise ConfigError("this is a folder, not a key", fix=fix, path=chosen.vapid_key_path) from folder
    except FileNotFoundError:
        return f"will be made in {chosen.vapid_key_path} at the first start"


def _secrets(chosen: Settings) -> str:
    from notifier.config.modes import readable_by_others, secret_files

    files = secret_files(chosen.data_dir, chosen.database_file)
    if exposed := readable_by_others(files):
        names = " ".join(map(str, exposed))
        raise ConfigError(f"other users of this machine can read {names}", fix=f"chmod go= {names}")
    return f"{len(files)} files, readable by this user only" if files else "no files yet"


def _database(chosen: Settings) -> str:
    from notifier.wiring.parts import schema_state

    return schema_state(chosen)


def _port(chosen: Settings) -> str:
    with socket.socket(socket.AF_INET6 if ":" in chosen.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((chosen.host, chosen.port))
        except OSError as taken:
            return f"{chosen.host}:{chosen.port} is in use ({taken.strerror}): by this service, if it runs already"
    return f"{chosen.host}:{chosen.port} is free"


def _versions(_chosen: Settings) -> str:
    import pycurl

    if "HTTP2" not in str(pycurl.version) and "nghttp2" not in str(pycurl.version):
        raise ConfigError("libcurl has no HTTP/2, pushes would be slow", fix="Install the pinned wheels: make run")
    return f"notifier {__version__}, {str(pycurl.version).split()[1]}"
