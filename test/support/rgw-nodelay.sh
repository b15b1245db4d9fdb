#!/usr/bin/env bash
# rgw-nodelay.sh DIR: restarts the gateway that start-rgw.sh runs in DIR, with TCP_NODELAY. Ceph leaves it off, so that
# every answer with a body waits 40 ms for an acknowledgement that the client delays.
set -euo pipefail
export CEPH_CONF="$1/ceph.conf"
sed -i '/^rgw frontends/s/$/ tcp_nodelay=1/' "$CEPH_CONF"
endpoint=$(sed -n 's/^rgw frontends = beast endpoint=\([^ ]*\).*/\1/p' "$CEPH_CONF")
pid=$(cat "$1/rgw.pid")
kill "$pid"
while [[ -e /proc/$pid/exe ]]; do sleep 0.1; done
setsid radosgw -f -n client.rgw >"$1/log/rgw.out" 2>&1 &
echo $! >"$1/rgw.pid"
for _ in $(seq 300); do
  if curl -s -o /dev/null "http://$endpoint/"; then exit 0; fi
  sleep 0.1
done
echo "the gateway in $1 does not start again" >&2
exit 1
