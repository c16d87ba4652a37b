"""What all tables share: the metadata, ids and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, MetaData, TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DAY_US = 86_400_000_000

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def microseconds(time: datetime | None) -> int | None:
    """A time as it is stored."""
    return None if time is None else (time - EPOCH) // MICROSECOND


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime as integer microseconds since the epoch."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Aware datetime to microseconds."""
        return microseconds(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Microseconds to aware UTC datetime."""
        return None if value is None else EPOCH + value * MICROSECOND


class UtcDay(UtcTime):
    """When a person was here, kept as the day (UTC): no hour of it is ever stored, whoever writes."""

    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Aware datetime to the microseconds of its day's beginning."""
        return None if value is None else day_us(value)


def day_us(time: datetime) -> int:
    """The beginning of the time's day (UTC) as it is stored."""
    at = (time - EPOCH) // MICROSECOND
    return at - at % DAY_US


# SQLite gives only an INTEGER PRIMARY KEY its rowid; PostgreSQL wants 64 bits.
Id = BigInteger().with_variant(Integer, "sqlite")
