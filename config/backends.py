"""Who a member of staff is: read anew at every request, by a statement that is planned once."""

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User

from profiles.prepared_queries import PreparedQuery

_USER = PreparedQuery(lambda user: User.objects.filter(pk=user))


class StaffBackend(ModelBackend):
    """Django's own, with its reading of the user: whoever was deactivated is out at the next request."""

    def get_user(self, user_id: int) -> User | None:
        found = _USER(user_id)
        return found[0] if found and self.user_can_authenticate(found[0]) else None
