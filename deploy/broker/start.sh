#!/bin/sh
# Starts Redis with the users of users.acl, whose passwords the environment gives. The server gets
# their hashes alone. Arguments go to the server.
set -eu
users="${USERS:-/tmp/users.acl}"

hash_of() { printf %s "$1" | sha256sum | cut -d ' ' -f 1; }

awk '/^#/ { next } /^ / { line = line $0; next } { if (line) print line; line = $0 } END { print line }' \
	"$(dirname "$0")/users.acl" |
	sed -e "s/#WEB_BROKER_PASSWORD/#$(hash_of "${WEB_BROKER_PASSWORD:?}")/" \
		-e "s/#WORKER_BROKER_PASSWORD/#$(hash_of "${WORKER_BROKER_PASSWORD:?}")/" \
		-e "s/#FLOWER_BROKER_PASSWORD/#$(hash_of "${FLOWER_BROKER_PASSWORD:?}")/" >"$users"

# The image's own entry point gives root up before it starts the server.
exec "${ENTRYPOINT:-docker-entrypoint.sh}" redis-server --aclfile "$users" "$@"
