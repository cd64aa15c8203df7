"""The app profiles: who: organizations, staff, customers, and the record of who did what."""

from django.apps import AppConfig


class ProfilesConfig(AppConfig):
    name = "profiles"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let long `__in` lists travel as one array."""
        from profiles import in_arrays  # not before Django knows the apps

        in_arrays.install()
