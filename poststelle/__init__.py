"""The Django project: settings, queues, URLs and the commands that run it all."""

from poststelle.celery import app as celery_app

__all__ = ["celery_app"]
