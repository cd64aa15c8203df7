"""Which IANA time zones Python and PostgreSQL both know."""

from functools import cache
from zoneinfo import available_timezones


@cache
def known() -> frozenset[str]:
    """Their names; looked up once, for that reads the disk. `localtime` is only Python's, for where it runs."""
    return frozenset(available_timezones()) - {"localtime"}
