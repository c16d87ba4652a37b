"""The parts that a service and the command line both ask for, one function each: settings in, a part out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from alembic.util.exc import CommandError as AlembicError
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from notifier.addresses import AddressGuard
from notifier.alerts.alert import Alert, AlertKind
from notifier.alerts.decide import AlertRules
from notifier.alerts.decider import Decider
from notifier.clock import Clock, RehearsalClock, system_clock
from notifier.config.modes import tighten
from notifier.config.settings import Settings, listed, rehearsal_of
from notifier.engine.alert_tester import AlertTester
from notifier.engine.dispatcher import PushDispatcher, Seal, link_of_outlet
from notifier.errors import ConfigError, DatabaseUnwell
from notifier.feeds.cadence import CadenceSettings
from notifier.feeds.decide import PollRules
from notifier.feeds.fetch import FetchSettings
from notifier.feeds.novelty import NoveltySettings
from notifier.operators.identity import role_rules
from notifier.push.adopt import load_adopted
from notifier.push.curl_transport import CurlTransport
from notifier.push.envelope import seal_now
from notifier.push.http2.transport import Http2Transport
from notifier.push.keyring import Keyring
from notifier.push.paced_transport import PacedTransport, Pacer
from notifier.push.seal import seal as seal_by_pywebpush
from notifier.push.transport import PushTransport
from notifier.push.vapid import VapidKey, VapidSigner, load_or_create_key
from notifier.storage.access import SqlIdentityStore
from notifier.storage.database import Database
from notifier.storage.migrate import newest_revision, revision, upgrade
from notifier.storage.subscriptions import SqlSubscriptionStore
from notifier.storage.troubles import SqlReportStore
from notifier.subscribers.endpoint import EndpointPolicy
from notifier.topics.failing import FailingRules
from notifier.topics.match import TopicIndex
from notifier.topics.topic import Topic
from notifier.troubles import SILENT_AFTER, ProcessReport
from notifier.web.articles import ALERTS
from notifier.web.console.by_provider import CALLBACK
from notifier.web.pictures import LARGEST_BYTES, PICTURES
from notifier.web.provider.http import ProviderHttp
from notifier.web.provider.openid import Provider, ProviderSettings, ProviderSignIn
from notifier.web.services import SiteSettings

PICTURE_S = 10.0
LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - what is listened on, not what is typed


@contextmanager
def opened_database(settings: Settings) -> Iterator[Database]:
    """The database, brought to this version's schema and closed after the block; only this user can read its file.

    Raises ConfigError where it cannot be used.
    """
    with in_words(settings):
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        database = Database(settings.database, pooler=settings.database_pooler)
    with closing(database):
        with in_words(settings):
            upgrade(database)
            if settings.database_file is not None:
                tighten(settings.database_file)
        yield database


def schema_state(settings: Settings) -> str:
    """How the database stands to this version, without changing it. Raises ConfigError where it cannot be used."""
    to_be_made = "will be made at the first start"
    with in_words(settings):
        url = make_url(settings.database)
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
            return to_be_made
        with closing(Database(settings.database)) as database:
            found = revision(database)
    if found is None:
        return to_be_made
    return "as this version wants it" if found == newest_revision() else "will be brought up to date at the next start"


def running_processes(settings: Settings) -> Sequence[ProcessReport]:
    """What the processes that run now say of themselves; none where the database cannot be asked."""
    try:
        url = make_url(settings.database)
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
            return ()
        with closing(Database(settings.database)) as database:
            return SqlReportStore(database).reports(system_clock() - SILENT_AFTER)
    except (DatabaseUnwell, SQLAlchemyError, ArgumentError, OSError, ImportError):
        return ()  # no such table, or nobody answers: the line on the database says so


@contextmanager
def in_words(settings: Settings) -> Iterator[None]:
    """What a database or a disk refuses becomes a ConfigError: the cause, without parameters or passwords."""
    try:
        shown = make_url(settings.database).render_as_string()
    except (ArgumentError, ValueError) as unreadable:  # its words may quote a part of the password
        fix = "For example: postgresql+psycopg://user:password@host/notifier"
        raise ConfigError("NOTIFIER_DATABASE_URL is no database's URL", fix=fix) from unreadable
    try:
        yield
    except (DatabaseUnwell, SQLAlchemyError, AlembicError, OSError, ImportError) as refused:  # ImportError: no driver
        cause = refused.cause if isinstance(refused, DatabaseUnwell) else getattr(refused, "orig", None) or refused
        fix = "Look at NOTIFIER_DATABASE_URL and NOTIFIER_DATA_DIR; does the server answer, can the disk be written?"
        raise ConfigError(f"{shown} cannot be used: {str(cause).splitlines()[0][:200]}", fix=fix) from refused


def vapid_key(settings: Settings) -> VapidKey:
    """The application server key, made if there is none.

    Raises ConfigError rather than replace a key that subscriptions are bound to: they would be lost without a word.
    """
    path = settings.vapid_key_path
    if not path.exists():
        adopted = {key.key_id for key in load_adopted(path.parent)}
        with opened_database(settings) as database:
            bound = SqlSubscriptionStore(database).bound_to_other_keys(adopted)
        if bound:
            fix = "Restore it from a backup. To start anew without them, remove the database too"
            raise ConfigError(f"the key is missing, and {bound} subscriptions are bound to it", fix=fix, path=path)
    return load_or_create_key(path)


def fetch_settings(settings: Settings) -> FetchSettings:
    """How feeds are asked."""
    return FetchSettings(
        contact_url=settings.contact,
        max_body_bytes=settings.feed_body_bytes,
        deadline_s=settings.feed_deadline_s,
        guard=AddressGuard.allowing(listed(settings.feed_allow)),
        environ=os.environ,
    )


def picture_fetch_settings(settings: Settings) -> FetchSettings:
    """How publishers are asked for a picture: as for a feed, for less and not for so long."""
    return replace(fetch_settings(settings), max_body_bytes=LARGEST_BYTES, deadline_s=PICTURE_S, environ={})


def make_clock(settings: Settings) -> Clock:
    """The wall clock, or that of a rehearsal."""
    return RehearsalClock(*rehearsal_of(settings.rehearsal)) if settings.rehearsal else system_clock


def make_dispatcher(
    settings: Settings, keys: Sequence[VapidKey], pacer: Pacer | None = None, seal: Seal = seal_now
) -> PushDispatcher:
    """A dispatcher with a transport of its own, for one thread; `pacer` keeps all threads' transports to each service's
    pace.

    `seal` is for those for whom nothing was sealed ahead.
    """
    guard = push_guard(settings)
    transport: PushTransport = Http2Transport(guard, CurlTransport(guard))
    if pacer is not None:
        transport = PacedTransport(transport, pacer)
    signer = VapidSigner(keys, settings.contact, Keyring(settings.vapid_key_path).find)
    picture_of, link_of = picture_address(settings), click_address(settings)
    return PushDispatcher(transport, signer, seal, receipts=settings.receipts, picture_of=picture_of, link_of=link_of)


def click_address(settings: Settings) -> Callable[[Alert], str]:
    """What a click on an alert's notification opens, by the operator's choice; a test has no page."""
    base = site_settings(settings).base_url
    if settings.click_opens == "outlet":
        return link_of_outlet
    return lambda alert: link_of_outlet(alert) if alert.kind is AlertKind.TEST else f"{base}{ALERTS}/{alert.id}"


def picture_address(settings: Settings) -> Callable[[Alert], str | None]:
    """Where a browser loads an alert's picture from, by the operator's choice."""
    base = site_settings(settings).base_url
    match settings.pictures:
        case "publisher":
            return lambda alert: alert.message.image_url
        case "site":
            return lambda alert: f"{base}{PICTURES}/{alert.id}.jpg" if alert.message.image_url else None
        case _:
            return lambda _alert: None


def make_alert_tester(settings: Settings, keys: Sequence[VapidKey], clock: Clock = system_clock) -> AlertTester:
    """What sends test alerts: sealed by pywebpush, so that each is also a check of our own sealing beside it."""
    dispatcher = make_dispatcher(settings, keys, seal=seal_by_pywebpush)
    return AlertTester(dispatcher, clock, settings.title, site_settings(settings).base_url)


def make_decider(topics: Sequence[Topic], settings: Settings, failing: FailingRules | None = None) -> Decider:
    """A decider that decides by these topics and the settings' rules; `failing` is told of rules that fail when run."""
    return Decider(TopicIndex(topics, failing), topics, alert_rules(settings))


def feed_rules(settings: Settings) -> PollRules:
    """By what feeds are asked, and what of them is taken and may alert."""
    return PollRules(
        CadenceSettings(min_s=settings.poll_least_s, max_s=settings.poll_most_s),
        NoveltySettings(max_age_s=settings.alert_max_age_s),
    )


def alert_rules(settings: Settings) -> AlertRules:
    """The numbers by which the decider decides."""
    return AlertRules(
        max_age_s=settings.alert_max_age_s,
        update_gap_s=settings.alert_update_gap_s,
        breaking_ttl_s=settings.breaking_ttl_s,
        normal_ttl_s=settings.normal_ttl_s,
    )


def provider_sign_in(settings: Settings, database: Database) -> ProviderSignIn | None:
    """Sign-in by an OpenID provider, where one is set up."""
    if not settings.oidc_issuer:
        return None
    rules = role_rules(settings.oidc_roles)
    client = ProviderSettings(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        callback=site_settings(settings).base_url + CALLBACK,
        client_secret=settings.oidc_client_secret,
        wanted={rule.claim for rule in rules},
    )
    http = ProviderHttp(AddressGuard.allowing(listed(settings.oidc_allow)))
    provider = Provider(client, http, system_clock)
    return ProviderSignIn(settings.oidc_title, provider, SqlIdentityStore(database), rules)


def site_settings(settings: Settings) -> SiteSettings:
    """How the site presents itself; without a public address, by the one that a browser on this machine can type."""
    host = LOOPBACK.get(settings.host, f"[{settings.host}]" if ":" in settings.host else settings.host)
    base = settings.base_url or f"http://{host}:{settings.port}"
    return SiteSettings(
        settings.title,
        base.rstrip("/"),
        settings.contact,
        is_public=bool(settings.base_url),
        hosts=frozenset(name.lower() for name in listed(settings.hosts)),
        metrics_token=settings.metrics_token,
        pictures_elsewhere=settings.pictures == "publisher",
    )


def endpoint_policy(settings: Settings) -> EndpointPolicy:
    return EndpointPolicy(listed(settings.push_allow))


def push_guard(settings: Settings) -> AddressGuard:
    return AddressGuard.allowing(endpoint_policy(settings).local)
