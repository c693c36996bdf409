"""E-mail itself: reading, building, IMAP, SMTP. Pure Python; knows neither Django nor Celery."""
