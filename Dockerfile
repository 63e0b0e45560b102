# One image for the operator and for every service; the first argument names the service. It runs as an unprivileged user, needs no
# capability and no writable file system, and has neither a shell nor a package manager.
# Any user can run it, also one of group 0 without an entry in /etc/passwd, as OpenShift chooses them.
# Only plain ARG, FROM, WORKDIR, COPY, RUN, ENV, LABEL, USER and ENTRYPOINT: the tests build the same image from this file without
# Docker.

# The Node.js that the tests run on makes the programs, and one of the same line runs them. Tags may be moved: for builds that are always of
# the same bytes, name the digests that you checked, --build-arg BASE_IMAGE=gcr.io/distroless/nodejs24-debian13:nonroot@sha256:...
ARG BUILD_IMAGE=docker.io/library/node:24.21.0-slim
ARG BASE_IMAGE=gcr.io/distroless/nodejs24-debian13:nonroot
# The commit this is built from: --build-arg REVISION=$(git rev-parse HEAD)
ARG REVISION=

FROM ${BUILD_IMAGE} AS tools
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci

FROM tools AS build
COPY tools/bundle.ts tools/
COPY crds crds
COPY cells cells
COPY operator operator
COPY cli cli
RUN node tools/bundle.ts dist

FROM ${BUILD_IMAGE} AS modules
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev
# What scanners read to know the packages of the image. npm would miss those that it did not install here.
RUN npm pkg delete devDependencies && npm sbom --sbom-format=cyclonedx --sbom-type=application >sbom.cdx.json
# Most of them are also in the programs, which load only a few from here; the licence files of all of them are here.
# Types, source maps and manuals are two fifths of what npm installs, and are not read at run time.
RUN find node_modules -type f ! -iname 'licen[cs]e*' \( -name '*.map' -o -name '*.ts' -o -name '*.[cm]ts' -o -name '*.md' \) -delete

FROM ${BASE_IMAGE}
WORKDIR /app
COPY --from=modules /app/node_modules ./node_modules
COPY --from=modules /app/sbom.cdx.json ./
COPY --from=build /app/dist ./dist
COPY package.json LICENSE NOTICE ./
COPY crds/realm.crd.yaml crds/commscell.crd.yaml crds/crds.gen.json ./crds/
# Where its base image has Node.js, and where that of Docker Hub does.
ENV PATH=/nodejs/bin:/usr/local/bin:/usr/bin:/bin
ENV NODE_ENV=production
# The C library would give each of a dozen threads a heap of its own, which are never returned.
ENV MALLOC_ARENA_MAX=2
ARG BASE_IMAGE
ARG REVISION
LABEL org.opencontainers.image.title=realm-operator
LABEL org.opencontainers.image.version=0.1.0
LABEL org.opencontainers.image.revision=${REVISION}
LABEL org.opencontainers.image.licenses=Apache-2.0
LABEL org.opencontainers.image.base.name=${BASE_IMAGE}
USER 65532:65532
# Without a limit Node's young generation grows to some 50 MB of garbage before it is collected.
ENTRYPOINT ["node", "--max-semi-space-size=16", "/app/dist/cells/main.js"]
