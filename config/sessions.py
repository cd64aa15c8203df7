"""Sessions in the database: every page of the desk reads one, by a statement that is planned once."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from support.queries.together import Parameter, Reading

_RUNNING = Reading(
    lambda: {"found": Session.objects.filter(session_key=Parameter("key"), expire_date__gt=Parameter("now"))}
)


class SessionStore(db.SessionStore):
    """Django's own, with its reading of a session: one that has ended or was ended is gone at the next request."""

    def _get_session_from_db(self) -> Session | None:
        found = _RUNNING.read(key=self.session_key, now=timezone.now())["found"]
        if not found:
            self._session_key = None
            return None
        session: Session = found[0]
        return session
