# The server, the worker and every command. Build: docker build -t runlake .
# With a GPU: docker build -t runlake-gpu --target gpu --build-arg RUNTIME=nvidia/cuda:12.6.3-cudnn-runtime-ubuntu24.04 .
ARG NODE=node:20.19.4-bookworm-slim
ARG RUNTIME=node:20.19.4-bookworm-slim

FROM ${NODE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

# CUDA's provider of ONNX Runtime comes from NuGet (docs/gpu.md); its libraries are those of the runtime image.
FROM build AS build-gpu
RUN apt-get update && apt-get install --no-install-recommends --yes ca-certificates \
  && ONNXRUNTIME_NODE_INSTALL=true node node_modules/onnxruntime-node/script/install.js

FROM ${RUNTIME} AS gpu
COPY --from=build-gpu /usr/local/bin/node /usr/local/bin/node
RUN useradd --create-home --uid 10001 runlake && mkdir -p /var/lib/runlake && chown runlake /var/lib/runlake
WORKDIR /app
COPY --from=build-gpu /app/package.json ./
COPY --from=build-gpu /app/node_modules ./node_modules
COPY --from=build-gpu /app/dist ./dist
COPY --from=build-gpu /app/models ./models
COPY --from=build-gpu /app/examples ./examples
ENV NODE_ENV=production RUNLAKE_HOME=/var/lib/runlake
USER runlake
VOLUME /var/lib/runlake
ENTRYPOINT ["node", "/app/dist/src/cli.js"]
CMD ["worker"]

FROM ${NODE} AS runtime
RUN useradd --create-home --uid 10001 runlake && mkdir -p /var/lib/runlake && chown runlake /var/lib/runlake
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/models ./models
COPY --from=build /app/examples ./examples
ENV NODE_ENV=production RUNLAKE_HOME=/var/lib/runlake
USER runlake
VOLUME /var/lib/runlake
EXPOSE 4000 5433
ENTRYPOINT ["node", "/app/dist/src/cli.js"]
CMD ["serve"]
