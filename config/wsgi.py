"""The application as web servers call it."""

import os
import sys

from django.core.wsgi import get_wsgi_application

from config import environment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

try:
    application = get_wsgi_application()
except environment.Refused as refusal:
    sys.exit(str(refusal))
