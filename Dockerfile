# syntax=docker/dockerfile:1
# Every path below is relative to WORKDIR: `npx tsx test/helm/prove-image.ts` runs these very steps in a clean folder.
# For production pin NODE_IMAGE by digest: --build-arg NODE_IMAGE=node:20-slim@sha256:…
ARG NODE_IMAGE=node:20-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No install scripts: nothing is downloaded beside the packages that the lock file names by digest. The native addon of
# recrypt is left out by that, and WebAssembly does its work.
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build
RUN rm -rf dist/demo dist/bench dist/test dist/scripts && chmod +x dist/bridge/cli/main.js

FROM ${NODE_IMAGE} AS modules
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="Countersign" \
      org.opencontainers.image.licenses="AGPL-3.0-only"
ENV NODE_ENV=production
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=modules /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# What a new bridge begins with.
COPY policies ./policies
RUN mkdir bin && ln -s ../dist/bridge/cli/main.js bin/countersign
ENV PATH=/app/bin:$PATH
# By number, so that Kubernetes can see that it is not root. It is `node` in the base image, and owns nothing of /app.
USER 1000:1000
# Commands look for countersign.yaml in the working directory.
WORKDIR /etc/countersign
# In a container the bridge listens here, whatever the issuer says: `listen: { port: 8443 }`, `docker run -p 443:8443`.
EXPOSE 8443
# For Docker and Compose; Kubernetes has probes of its own. With TLS or without, whichever listen.tls says: it asks its
# own loopback how it is, so the certificate need not fit.
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s \
  CMD ["node", "-e", "const ask=(m)=>new Promise((ok)=>require(m).get({host:'127.0.0.1',port:8443,path:'/health/ready',rejectUnauthorized:false,timeout:2000},(r)=>{r.resume();ok(r.statusCode===200)}).on('error',()=>ok(false)).on('timeout',function(){this.destroy()}));ask('http').then((up)=>up||ask('https')).then((up)=>process.exit(up?0:1))"]
ENTRYPOINT ["countersign"]
CMD ["serve"]
