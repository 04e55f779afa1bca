# For the scripts that users start: installs Debian packages that are missing, and only then needs the
# network or any rights. Source it, then: install_missing package...
#
# Output goes to $install_log if that is set. Nothing fails here: what is really needed and is not there
# makes the build say so.
install_missing() {
    command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || return 0
    missing=
    for package; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    echo "installing:$missing" >&2
    sudo=
    [ "$(id -u)" = 0 ] || sudo="sudo -n"
    log=${install_log:-$(mktemp)}
    # PostgreSQL's package would otherwise start a server of its own.
    settings=$(mktemp -d)
    echo 'create_main_cluster = false' >"$settings/createcluster.conf"
    # shellcheck disable=SC2086
    {
        $sudo apt-get update -q || true
        if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
            $sudo mkdir -p /etc/postgresql-common
            $sudo cp "$settings/createcluster.conf" /etc/postgresql-common/
        fi
        $sudo env DEBIAN_FRONTEND=noninteractive \
            apt-get install -q -y --no-install-recommends \
            -o Dpkg::Options::=--force-confold $missing
    } >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        echo "could not install:$missing" >&2
    }
    rm -rf "$settings"
    [ -n "${install_log-}" ] || rm -f "$log"
}

# What a build of the library and its test servers needs.
build_packages="g++ cmake ninja-build pkg-config python3
    libevent-dev libssl-dev libpq-dev zlib1g-dev libbrotli-dev libzstd-dev libpsl-dev libidn2-dev libnghttp2-dev
    node-llhttp libcmocka-dev libgtest-dev nginx-light postgresql pgbouncer openssl tinyproxy-bin
    microsocks"
