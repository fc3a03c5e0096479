# An unrun recipe: nothing in this project's CI builds it, for want of a container runtime there. Its steps are those of
# the README and of .ci/package, which CI does run.
#
#     docker build --tag approx-eval .
#     docker run --rm --volume "$PWD:/data" approx-eval --lut mul8.bin
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN cargo install --locked --path . --root /usr/local

FROM debian:bookworm-slim
COPY --from=build /usr/local/bin/approx-eval /usr/local/bin/approx-eval
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/approx-eval/
WORKDIR /data
ENTRYPOINT ["approx-eval"]
