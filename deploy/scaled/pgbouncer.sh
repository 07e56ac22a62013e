#!/bin/sh
# Starts PgBouncer in transaction mode for our two roles, whose passwords the environment gives.
# docs/scaling.md says what may go through it. FOLDER and PORT are for trials outside a container.
set -eu
umask 077
folder="${FOLDER:-/tmp}"

cat >"$folder/users" <<EOF
"onceproof_web" "${WEB_DATABASE_PASSWORD:?}"
"onceproof_worker" "${WORKER_DATABASE_PASSWORD:?}"
EOF

# No administrator, no socket file. A server session whose client has left in the middle of a
# transaction is ended, whatever is set here: that is what frees a killed worker's rows.
cat >"$folder/pgbouncer.ini" <<EOF
[databases]
* = host=${DATABASE_HOST:?} port=${DATABASE_PORT:-5432}

[pgbouncer]
listen_addr = ${ADDRESS:-0.0.0.0}
listen_port = ${PORT:-6432}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $folder/users
pool_mode = transaction
default_pool_size = ${POOL_SIZE:-20}
max_client_conn = 1000
# A request waits no longer than a claim would; then it is an error, and not a queue that grows.
query_wait_timeout = 10
server_tls_sslmode = ${DATABASE_TLS:-prefer}
# A server that is gone is noticed as soon as by ourselves.
tcp_keepalive = 1
tcp_keepidle = 10
tcp_keepintvl = 5
tcp_keepcnt = 3
EOF

exec "${PGBOUNCER:-pgbouncer}" "$folder/pgbouncer.ini"
