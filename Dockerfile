# One image for the operator and for every service; the first argument names the service. It runs as an unprivileged user, needs no
# capability and no writable file system, and holds no build tool.
# Only plain FROM, WORKDIR, COPY, RUN, ENV, USER and ENTRYPOINT: the tests build the same image from this file without Docker.

FROM node:24-slim AS tools
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci

FROM tools AS build
COPY tsconfig.json tsconfig.build.json ./
COPY crds crds
COPY cells cells
COPY operator operator
COPY cli cli
RUN npx tsc --project tsconfig.build.json

FROM node:24-slim AS modules
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev
# Types, source maps and manuals are two fifths of what npm installs, and are not read at run time.
RUN find node_modules -type f ! -iname 'licen[cs]e*' \( -name '*.map' -o -name '*.ts' -o -name '*.[cm]ts' -o -name '*.md' \) -delete

FROM node:24-slim
WORKDIR /app
COPY --from=modules /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE NOTICE ./
COPY crds/realm.crd.yaml crds/commscell.crd.yaml ./crds/
ENV NODE_ENV=production
USER 65532:65532
# Without a limit Node's young generation grows to some 50 MB of garbage before it is collected.
ENTRYPOINT ["node", "--max-semi-space-size=16", "/app/dist/cells/main.js"]
