# Keeps one PostgreSQL server for a test process: does what the lines on standard input say, and answers each with
# its exit status. When that input ends, because the test process closed it or is dead, nothing of the server stays.
# Arguments: folder of PostgreSQL's programs, folder of this server.
bin=$1
folder=$2

start() {
    "$bin/pg_ctl" start --pgdata="$folder/data" --log="$folder/log" --wait --timeout=60 --silent
}

stop() {
    "$bin/pg_ctl" stop --pgdata="$folder/data" --mode=immediate --wait --timeout=60 --silent
}

while read -r command setting; do
    case $command in
        init) "$bin/initdb" --pgdata="$folder/data" --username=postgres --auth=trust --encoding=UTF8 --locale=C --no-sync ;;
        set) echo "$setting" >>"$folder/data/postgresql.conf" ;;
        start) start ;;
        stop) stop ;;
        *) false ;;
    esac >>"$folder/control.log" 2>&1
    echo $?
done
# It may be stopped already, or never have begun.
stop >/dev/null 2>&1
rm -rf "$folder"
