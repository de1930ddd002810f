# matrix-devices-server with both stores: docs/containers.md.
#   docker build --tag matrix-devices-server .
#   docker run --volume devices:/var/lib/matrix-devices --publish 127.0.0.1:8008:8008 \
#     matrix-devices-server --server-name example.org

FROM debian:trixie-slim AS build
WORKDIR /src
COPY .ci .ci
RUN .ci/setup module store postgres server
COPY . .
RUN cmake --preset release -DMXD_SERVER=ON -DMXD_PYTHON=OFF -DMXD_TESTS=OFF \
  && cmake --build --preset release \
  && cmake --install build/release --prefix /opt/matrix-devices --strip

FROM debian:trixie-slim
LABEL org.opencontainers.image.title="matrix-devices-server" \
  org.opencontainers.image.description="A Matrix server of nothing but accounts and devices" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.base.name="debian:trixie-slim"
# The release's own versions, with what its security updates bring.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install --yes --no-install-recommends libabsl20240722 libpq5 \
    libprometheus-cpp-core1.0 libre2-11 libsodium23 libsqlite3-0 libsystemd0 libyaml-cpp0.8 \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --system --uid 8008 --user-group --no-create-home --home-dir /var/lib/matrix-devices \
    --shell /usr/sbin/nologin matrix-devices \
  && install --directory --mode 0700 --owner matrix-devices --group matrix-devices \
    /var/lib/matrix-devices
COPY --from=build /opt/matrix-devices /usr/local
# By number, so that an orchestrator sees that it is not root.
USER 8008:8008
# For the server, and for the commands that are run beside it.
ENV MXD_DATABASE=/var/lib/matrix-devices/devices.db
VOLUME /var/lib/matrix-devices
EXPOSE 8008
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=7s --start-period=20s \
  CMD ["matrix-devices-server", "health"]
ENTRYPOINT ["matrix-devices-server", "--listen", "0.0.0.0:8008"]
