#!/usr/bin/env bash
# Apache Kafka 4.x, one KRaft node, for development and tests. Needs Java 17 and Maven.
#
#   kafka.sh fetch    get the server's jars with Maven (once)
#   kafka.sh start    fetch, format the data folder (once), start in the background, wait until it is ready
#   kafka.sh run      start, show its log, and stop it on Ctrl-C
#   kafka.sh stop     stop in good order          kafka.sh kill     SIGKILL
#   kafka.sh status   say whether it runs         kafka.sh clean    stop and remove its data
#
# Environment, with the defaults:
#   KAFKA_DATA=var/kafka  KAFKA_HOST=127.0.0.1  KAFKA_PORT=9092  KAFKA_CONTROLLER_PORT=9093
#   KAFKA_JARS=.tools/kafka-VERSION  KAFKA_HEAP_OPTS="-Xmx512m -Xms256m"
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$here/../.." && pwd)
version=$(sed -n 's|.*<kafka.version>\(.*\)</kafka.version>.*|\1|p' "$here/pom.xml")
data=${KAFKA_DATA:-$repo/var/kafka}
host=${KAFKA_HOST:-127.0.0.1}
port=${KAFKA_PORT:-9092}
controller_port=${KAFKA_CONTROLLER_PORT:-9093}
jars=${KAFKA_JARS:-$repo/.tools/kafka-$version}
heap=${KAFKA_HEAP_OPTS:--Xmx512m -Xms256m}
pid_file=$data/kafka.pid
log_file=$data/kafka.log
properties=$data/server.properties

fail() {
    echo "kafka.sh: $*" >&2
    exit 1
}

need() {
    command -v "$1" >/dev/null || fail "$1 is not installed ($2)"
}

java_run() {
    # shellcheck disable=SC2086  # the heap options are several words
    exec java $heap -Djava.awt.headless=true \
        -Dlog4j2.configurationFile="$repo/configs/kafka/log4j2.properties" -cp "$jars/*" "$@"
}

fetch() {
    [ -e "$jars/complete" ] && return
    need mvn "Maven fetches Apache Kafka's jars"
    mkdir -p "$(dirname "$jars")"
    local part
    # Into a folder of its own, so that two of us at once do not get in each other's way.
    part=$(mktemp -d "$(dirname "$jars")/kafka-fetch.XXXXXX")
    mvn -B -ntp -q -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
        -DoutputDirectory="$part" >&2 || fail "Maven could not fetch Apache Kafka $version"
    touch "$part/complete"
    [ -e "$jars/complete" ] || mv -T "$part" "$jars" 2>/dev/null || true
    rm -rf "$part"
    [ -e "$jars/complete" ] || fail "no jars in $jars"
}

running() {
    # The name too: after a reboot the number may belong to somebody else.
    [ -s "$pid_file" ] && ps -ww -p "$(cat "$pid_file")" -o args= 2>/dev/null | grep -q "kafka.Kafka $properties"
}

configure() {
    mkdir -p "$data"
    sed -e "s|@PORT@|$port|g" -e "s|@CONTROLLER_PORT@|$controller_port|g" -e "s|@HOST@|$host|g" -e "s|@DATA@|$data|g" \
        "$repo/configs/kafka/server.properties" >"$properties"
    if [ ! -e "$data/log/meta.properties" ]; then
        local id
        id=$( (java_run kafka.tools.StorageTool random-uuid) | tail -n 1)
        (java_run kafka.tools.StorageTool format --cluster-id "$id" --config "$properties") >"$data/format.log" 2>&1 ||
            fail "the data folder could not be formatted: $(tail -n 3 "$data/format.log")"
    fi
}

start() {
    running && { echo "Apache Kafka $version runs already on $host:$port"; return; }
    need java "Apache Kafka needs Java 17"
    fetch
    configure
    [ -e "$log_file" ] && mv "$log_file" "$log_file.1"
    (java_run -XX:+UseG1GC -XX:+ExitOnOutOfMemoryError kafka.Kafka "$properties") >"$log_file" 2>&1 </dev/null &
    echo $! >"$pid_file"
    disown
    for _ in $(seq 1 600); do
        if grep -q "Kafka Server started" "$log_file" 2>/dev/null; then
            echo "Apache Kafka $version ready on $host:$port, data in $data"
            return
        fi
        running || fail "Apache Kafka ended while starting, see $log_file: $(tail -n 5 "$log_file")"
        sleep 0.2
    done
    fail "Apache Kafka did not become ready within two minutes, see $log_file"
}

end() {
    running || { rm -f "$pid_file"; return 0; }
    local pid
    pid=$(cat "$pid_file")
    kill -s "$1" "$pid"
    for _ in $(seq 1 300); do
        kill -0 "$pid" 2>/dev/null || { rm -f "$pid_file"; return 0; }
        sleep 0.1
    done
    kill -s KILL "$pid" 2>/dev/null || true
    rm -f "$pid_file"
}

case "${1:-}" in
fetch) fetch ;;
start) start ;;
run)
    start
    trap 'end TERM' EXIT
    trap 'exit 0' INT TERM
    tail -n 0 --pid="$(cat "$pid_file")" -f "$log_file"
    ;;
stop) end TERM ;;
kill) end KILL ;;
status) if running; then echo "Apache Kafka $version runs on $host:$port"; else echo "stopped"; exit 1; fi ;;
clean)
    end TERM
    rm -rf "$data"
    ;;
*) fail "usage: kafka.sh fetch|start|run|stop|kill|status|clean" ;;
esac
