# Synapse's own image with the drop-in in it: docs/containers.md. Everything else is as that image
# has it: user, port, volume, health check, entry point.
#   docker build --file synapse.Dockerfile --tag synapse-with-devices .
# Versions that the drop-in knows: docs/synapse.md
ARG SYNAPSE=v1.163.2

FROM matrixdotorg/synapse:${SYNAPSE} AS build
WORKDIR /src
COPY .ci .ci
RUN .ci/setup module store
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM matrixdotorg/synapse:${SYNAPSE}
LABEL org.opencontainers.image.title="Synapse with matrix-devices" \
  org.opencontainers.image.description="Synapse, whose device endpoints libmatrix_devices.so answers"
# The release's own versions, with what its security updates bring.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install --yes --no-install-recommends libabsl20240722 libre2-11 libsodium23 \
    libsqlite3-0 \
  && rm -rf /var/lib/apt/lists/*
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --no-deps /wheels/*.whl \
  && rm -r /wheels \
  && matrix-devices check
