"""Wiring: settings, urls, Celery, and the embedded servers. No trial knowledge."""

from trialsite.celery import app as celery_app

__all__ = ["celery_app"]
