# Read by tools/test and tools/storm: what they share. Everything it says goes to standard error.

# What it takes to build the library and the program.
build_packages=(g++ meson ninja-build pkg-config liburing-dev libcli11-dev nlohmann-json3-dev)

say() { echo "== $*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo --preserve-env=DEBIAN_FRONTEND "$@"
  else
    say "root is needed, and there is no sudo. As root: $*"
    exit 2
  fi
}

# install_missing PACKAGE...: with apt, only what is not installed.
install_missing() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "this is not Debian: nothing is installed; needed are $*"
    return
  fi
  local package missing=()
  for package in "$@"; do
    # shellcheck disable=SC2016
    if [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
      missing+=("$package")
    fi
  done
  [ ${#missing[@]} = 0 ] && return
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  as_root apt-get update -qq </dev/null >&2
  as_root apt-get install -qq -y -o Dpkg::Use-Pty=0 --no-install-recommends "${missing[@]}" \
    </dev/null >&2
}

# configure DIRECTORY OPTION...: sets the directory up, or gives it these options if it has others.
configure() {
  local directory=$1
  shift
  local options=$directory/options.txt
  if [ ! -e "$directory/build.ninja" ]; then
    say "configuring $directory"
    rm -rf "$directory/meson-private" # of a set-up that failed half-way
    meson setup "$directory" "$@" </dev/null >&2
  elif [ "$(cat "$options" 2>/dev/null)" != "$*" ]; then
    say "configuring $directory"
    meson configure "$directory" "$@" </dev/null >&2
  fi
  echo "$*" >"$options"
}
