FROM python:3.11-slim-bookworm
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data HOME=/tmp
# lp, for printers that are CUPS or IPP queues
RUN apt-get update && apt-get install -y --no-install-recommends cups-client \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
RUN useradd --system --uid 10001 poststelle && mkdir /data && chown poststelle /data \
    && POSTSTELLE_STATIC_ROOT=/app/staticfiles SECRET_KEY=only-used-while-the-image-is-built-0000 \
       python manage.py collectstatic --noinput -v0 && rm -rf /data/*
ENV POSTSTELLE_STATIC_ROOT=/app/staticfiles
USER poststelle
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["python", "manage.py", "wait_for_database", "--then"]
CMD ["web"]
