# Read by tools/test and tools/storm: what they share. Everything it says goes to standard error.

# What it takes to build the library and the program.
build_packages=(g++ meson ninja-build pkg-config liburing-dev libcli11-dev nlohmann-json3-dev
  android-libboringssl-dev nettle-dev)

say() { echo "== $*" >&2; }

# quietly COMMAND...: its output is shown only if it fails, and then this ends with exit status 2.
quietly() {
  local output
  output=$("$@" </dev/null 2>&1) && return
  echo "$output" >&2
  say "failed: $*"
  exit 2
}

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
  [ ${#missing[@]} != 0 ] || return 0
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  quietly as_root apt-get update -q
  quietly as_root apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# configure DIRECTORY OPTION...: sets the directory up, or gives it these options if it has others.
configure() {
  local directory=$1
  shift
  local options=$directory/options.txt
  if [ ! -e "$directory/build.ninja" ]; then
    say "configuring $directory"
    rm -rf "$directory/meson-private" # of a set-up that failed half-way
    quietly meson setup "$directory" "$@"
  elif [ "$(cat "$options" 2>/dev/null)" != "$*" ]; then
    say "configuring $directory"
    quietly meson configure "$directory" "$@"
  fi
  echo "$*" >"$options"
}
