# The images of both services: docker build --target inventory .    docker build --target gateway .
# The digest gives every build the same base image. `docker buildx imagetools inspect python:3.13-slim-trixie` prints the
# newest digest; write it here, in both compose files and in docker/.env.example (a test compares them).
ARG PYTHON_IMAGE=python:3.13-slim-trixie@sha256:bb2988715db2cf7ace7b53f38f3cffbef7c7046a656bee66245eb0ed386e2e81

# Builds wheels and virtual environments. Its tools are not in the final images.
FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements/build.txt ./
RUN python -m venv tools \
    && tools/bin/pip install --require-hashes --requirement build.txt \
    && python -m venv --without-pip /opt/invsys

FROM build AS package
COPY LICENSE MANIFEST.in README.rst setup.cfg setup.py ./
COPY src/invsys src/invsys
RUN tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir wheels .

# The requirements come first, because they seldom change. The byte code is compiled here: the service cannot write any.
FROM build AS inventory-environment
COPY requirements.txt ./
RUN tools/bin/pip wheel --no-deps --no-build-isolation --require-hashes --wheel-dir wheels \
        --requirement requirements.txt \
    && tools/bin/pip --python /opt/invsys/bin/python install --no-index --no-deps --no-compile wheels/*.whl
COPY --from=package /build/wheels package
RUN tools/bin/pip --python /opt/invsys/bin/python install --no-index --no-deps --no-compile package/*.whl \
    && /opt/invsys/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/invsys/lib

FROM build AS gateway-environment
COPY requirements/gateway.txt ./
RUN tools/bin/pip wheel --no-deps --no-build-isolation --require-hashes --wheel-dir wheels \
        --requirement gateway.txt \
    && tools/bin/pip --python /opt/invsys/bin/python install --no-index --no-deps --no-compile wheels/*.whl
COPY --from=package /build/wheels package
RUN tools/bin/pip --python /opt/invsys/bin/python install --no-index --no-deps --no-compile package/*.whl \
    && /opt/invsys/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/invsys/lib

# The base of both final images.
FROM ${PYTHON_IMAGE} AS service
LABEL org.opencontainers.image.vendor="The InvSys authors" \
      org.opencontainers.image.licenses="MIT"
ENV PATH=/opt/invsys/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONFAULTHANDLER=1 \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    INVSYS_SERVER_HOST=0.0.0.0
# The ids are fixed: volumes outlive images.
RUN groupadd --gid 10001 invsys \
    && useradd --uid 10001 --gid invsys --no-log-init --no-create-home --home-dir /var/lib/invsys \
        --shell /usr/sbin/nologin invsys \
    && install --directory --owner=invsys --group=invsys --mode=0750 \
        /var/lib/invsys /var/lib/invsys-owner /var/lib/invsys-service
USER 10001:10001
WORKDIR /var/lib/invsys

FROM service AS inventory
LABEL org.opencontainers.image.title="invsys-inventory" \
      org.opencontainers.image.description="The inventory of a fleet, and allocations that can never overlap"
ENV INVSYS_SERVER_PORT=5000 \
    INVSYS_DATABASE_URL=sqlite:////var/lib/invsys/invsys.sqlite3
COPY --from=inventory-environment /opt/invsys /opt/invsys
EXPOSE 5000
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:5000/readyz', timeout=4)"]
ENTRYPOINT ["invsys-manage"]
CMD ["serve"]

FROM service AS gateway
LABEL org.opencontainers.image.title="invsys-gateway" \
      org.opencontainers.image.description="The gateway: authenticates and authorises callers, limits rates, forwards requests"
ENV INVSYS_SERVER_PORT=5001 \
    INVSYS_CLIENTS_FILE=/var/lib/invsys/clients.ini
COPY --from=gateway-environment /opt/invsys /opt/invsys
EXPOSE 5001
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:5001/readyz', timeout=4)"]
ENTRYPOINT ["invsys-gateway-manage"]
CMD ["serve"]
