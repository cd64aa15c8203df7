"""Sessions in the database: every page of the desk reads one, by a statement that is planned once."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from profiles.prepared_queries import PreparedQuery

_RUNNING = PreparedQuery(lambda key, now: Session.objects.filter(session_key=key, expire_date__gt=now))


class SessionStore(db.SessionStore):
    """Django's own, with its reading of a session: one that has ended or was ended is gone at the next request."""

    def _get_session_from_db(self) -> Session | None:
        found = _RUNNING(self.session_key, timezone.now())
        if not found:
            self._session_key = None
            return None
        return found[0]
