"""The web process."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trialsite.settings")

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from apps.core.start import refuse_unsafe_start  # noqa: E402  # models load with the application

refuse_unsafe_start(serving=True)
