# syntax=docker/dockerfile:1
# Dependencies are installed in one stage, the dashboard built in another, and both copied into one without npm's caches; the
# API runs as an ordinary user.

FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image has its own Node 24, so the optional one from the registry stays out.
RUN npm ci --omit=dev --omit=optional

FROM node:24-slim AS dashboard
WORKDIR /app
COPY package.json package-lock.json .npmrc tsconfig.json ./
# What builds the page comes for each processor as an optional package.
RUN npm ci
COPY scripts scripts
COPY schema schema
COPY src/dashboard src/dashboard
RUN node scripts/build-dashboard.ts

FROM node:24-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY src src
COPY schema schema
COPY --from=dashboard /app/dist dist
USER node
EXPOSE 4000
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/main.ts"]
