# syntax=docker/dockerfile:1
# Dependencies are installed in one stage, the dashboard built in another, and both copied into one without npm's caches; the
# API runs as an ordinary user, by number, so that whoever runs it can see that it is not root.
#
# It writes nothing but to /tmp: the sockets of several WORKERS lie there. So the root file system may be read-only, with a tmpfs
# at /tmp (docker-compose.yml, ops/kubernetes). All else belongs to root, and only root could change it.
#
# The tag names one release, the Node that is tested with. Pin its digest where you build: `docker buildx imagetools inspect
# node:24.21.0-slim` prints it.
ARG NODE_IMAGE=node:24.21.0-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image has its own Node 24, so the optional one from the registry stays out. No package runs a script.
RUN ["npm", "ci", "--omit=dev", "--omit=optional", "--ignore-scripts"]

FROM ${NODE_IMAGE} AS dashboard
WORKDIR /app
COPY package.json package-lock.json .npmrc tsconfig.json ./
# What builds the page comes for each processor as an optional package.
RUN ["npm", "ci", "--ignore-scripts"]
COPY scripts scripts
COPY schema schema
COPY src/dashboard src/dashboard
RUN ["node", "scripts/build-dashboard.ts"]

FROM ${NODE_IMAGE}
WORKDIR /app
# FRESHET_DATA_DIR is where an embedded Valkey would keep its data: there is none here, so VALKEY_URL must be given.
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY src src
COPY schema schema
COPY --from=dashboard /app/dist dist
USER 1000:1000
EXPOSE 4000
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/main.ts"]
