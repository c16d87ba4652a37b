# By tag, as no registry of images could be asked when this was written: `docker buildx imagetools inspect python:3.13-slim`
# says the digest to pin (python:3.13-slim@sha256:…), which Dependabot then renews.
FROM python:3.13-slim AS build
WORKDIR /app
RUN python -m venv /venv
COPY requirements.lock .
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY notifier notifier
RUN /venv/bin/pip install --no-cache-dir --no-build-isolation --no-deps .

FROM python:3.13-slim
RUN useradd --create-home notifier && install -d -o notifier /app/data
COPY --from=build /venv /venv
WORKDIR /app
COPY config config
USER notifier
ENV PATH=/venv/bin:$PATH NOTIFIER_HOST=0.0.0.0 NOTIFIER_LOG_FORMAT=json
VOLUME /app/data
EXPOSE 8000
HEALTHCHECK CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz')"]
CMD ["notifier", "run"]
