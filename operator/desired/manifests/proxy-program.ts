/** Where the configuration and the program are mounted. */
export const PROXY_FOLDER = '/etc/realm-proxy'

/**
 * Starts nginx, has it read its files again when the kubelet has changed them, and ends it so that players do not all reconnect at once:
 * first it goes on serving until no node sends connections, then it takes no more, then its workers end one after the other. Old workers keep their sockets
 * after a reload. It needs a shell, awk and cksum, which every image of nginx has. The folders are variables for tests.
 */
export const PROXY_PROGRAM = String.raw`#!/bin/sh
# The operator writes this file, and a change of it is overwritten.
config=${'$'}{CONFIG_FOLDER:-${PROXY_FOLDER}}
state=${'$'}{STATE_FOLDER:-/tmp}
secrets=${'$'}{CERTIFICATES_FOLDER:-/run/secrets/realm}
resolv=${'$'}{RESOLV_CONF:-/etc/resolv.conf}

# An IPv6 address is written in brackets; what has one colon has a port.
resolvers() {
  awk '$1 == "nameserver" { printf "%s ", $2 ~ /:.*:/ ? "[" $2 "]" : $2 }' "$resolv"
}

write_config() {
  no_ipv6='/listen \[::\]/d'
  [ -e /proc/net/if_inet6 ] && no_ipv6=
  sed -e "s|@RESOLVERS@|$(resolvers)|; s|@STATE@|$state|" -e "$no_ipv6" "$config/nginx.conf" > "$state/next.conf"
}

# nginx reads the new file only if it can use it; until then it goes on with what it has.
test_config() {
  nginx -t -q -e stderr -c "$state/next.conf" && mv "$state/next.conf" "$state/nginx.conf"
}

files() {
  cat "$config"/nginx.conf "$secrets"/*/* 2> /dev/null | cksum
}

children() {
  for stat in /proc/[0-9]*/stat; do
    read -r pid _ _ parent _ 2> /dev/null < "$stat" && [ "$parent" = "$nginx" ] && echo "$pid"
  done
}

# A signal ends it early.
pause() {
  sleep "$1" &
  wait $! || true
}

stopping=
trap 'stopping=1' TERM INT
seen=$(files)
write_config && test_config || exit 1
nginx -e stderr -c "$state/nginx.conf" -g 'daemon off;' &
nginx=$!

while [ -z "$stopping" ] && kill -0 "$nginx" 2> /dev/null; do
  pause 2
  now=$(files)
  [ "$now" = "$seen" ] && continue
  seen=$now
  write_config && test_config && kill -HUP "$nginx" && echo 'reloaded' >&2
done
if [ -z "$stopping" ]; then
  wait "$nginx"
  exit 1
fi

pause "${'$'}{SETTLE_SECONDS:-30}"
kill -QUIT "$nginx" 2> /dev/null
workers=$(children)
step=$(echo "$workers" | awk -v all="${'$'}{DRAIN_SECONDS:-30}" 'END { printf "%.2f", all / (NR > 0 ? NR : 1) }')
for worker in $workers; do
  kill -0 "$nginx" 2> /dev/null || break
  pause "$step"
  kill -TERM "$worker" 2> /dev/null
done
wait "$nginx"
exit 0
`
