# docker build -t kolorit .
# docker run --rm --read-only --tmpfs /tmp -p 127.0.0.1:8765:8765 kolorit
# The model is inside; nothing is fetched when it runs. For others than this machine add --token T.
FROM python:3.13-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN python -m venv /opt/kolorit && /opt/kolorit/bin/pip install --no-cache-dir --disable-pip-version-check '.[web]'

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home kolorit
COPY --from=build /opt/kolorit /opt/kolorit
USER 10001
ENV HOME=/tmp PYTHONDONTWRITEBYTECODE=1
EXPOSE 8765
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s CMD ["/opt/kolorit/bin/python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8765/readyz', timeout=4)"]
ENTRYPOINT ["/opt/kolorit/bin/kolorit", "serve", "--host", "0.0.0.0", "--port", "8765"]
