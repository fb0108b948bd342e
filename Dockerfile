# The image is the static binary and nothing else: no shell, no libc, no package to keep up to date. It is built on the host
# (`make image` does both steps), so that building the image pulls nothing.
FROM scratch
COPY bin/flowring /flowring
# An empty folder, so that a fresh volume mounted there belongs to the program's user.
COPY --chown=65532:65532 bin/data/ /data/

# A container is reached from outside, so it needs tokens or FLOWRING_INSECURE=true; the node-to-node addresses stay on loopback until a cluster is configured.
ENV FLOWRING_HTTP_ADDR=0.0.0.0:8080 FLOWRING_DATA_DIR=/data/flowring
USER 65532:65532
EXPOSE 8080/tcp 8081/tcp 7946/tcp 7946/udp
ENTRYPOINT ["/flowring"]
CMD ["serve"]
