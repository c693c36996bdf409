"""WSGI entry for waitress and gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "poststelle.settings")
application = get_wsgi_application()
