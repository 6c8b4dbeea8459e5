"""What must be true before web or worker serves anyone."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection


def refuse_unsafe_start(*, serving: bool) -> None:
    """Refuse to run as a database role that row-level security does not hold, or without a secret key."""
    if serving and not settings.SECRET_KEY_IS_SET:
        raise ImproperlyConfigured("TRIALSITE_SECRET_KEY is not set. Give it at least 50 random characters.")
    with connection.cursor() as cursor:
        cursor.execute(
            "select current_user, rolsuper, rolbypassrls, "
            "exists (select from pg_class where relname = 'audit_auditevent' and pg_has_role(relowner, 'usage')) "
            "from pg_roles where rolname = current_user"
        )
        name, is_super, bypasses, owns = cursor.fetchone()
    connection.close()
    if is_super or bypasses or owns:
        raise ImproperlyConfigured(
            f"DATABASE_URL connects as {name}, which owns the tables or passes row-level security. "
            "Web and worker must use the application's role; give the owner to DATABASE_OWNER_URL for migrations only."
        )
