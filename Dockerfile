# The static binary and nothing else: no shell, no libraries, not root. The binaries are built before, as dist/docker/amd64/keysieve
# and dist/docker/arm64/keysieve; see .ci/installs.
#
#   docker run --rm --network none -v "$PWD:/repo:ro" keysieve audit --no-cache
#   docker save app | docker run --rm -i --network none keysieve image -
#
# There is no git in it, so hooks and `keysieve ci --fetch` are not for it.
FROM scratch
ARG TARGETARCH=amd64
COPY dist/docker/${TARGETARCH}/keysieve /keysieve
WORKDIR /repo
USER 65532:65532
ENTRYPOINT ["/keysieve"]
