#!/usr/bin/env bash
# What the GitHub Action does: gets keysieve, runs it, hands over its results. Runs on Linux, macOS (bash 3.2) and Windows (Git
# Bash). All it is told comes in variables, see action.yml; those for mirrors and tests besides:
#
#   KEYSIEVE_RELEASES          where releases lie, in place of https://github.com/OWNER/NAME/releases/download
#   KEYSIEVE_SKIP_ATTESTATION  1: the attestation is not verified
set -euo pipefail

token="${KEYSIEVE_GH_TOKEN:-}"
unset KEYSIEVE_GH_TOKEN
work="$RUNNER_TEMP/keysieve"
rm -rf "$work"
mkdir -p "$work"

# The text of a workflow command: no line break ends it, https://docs.github.com/actions/reference/workflow-commands
escaped() {
  local text="${1//'%'/%25}"
  text="${text//$'\r'/%0D}"
  printf '%s' "${text//$'\n'/%0A}"
}

# A line break would begin another output.
output() { printf '%s=%s\n' "$1" "$(printf '%s' "$2" | tr '\r\n' '  ')" >>"$GITHUB_OUTPUT"; }

# Ends the step as an error that is no finding.
fail() {
  printf '::error title=keysieve::%s\n' "$(escaped "$1")"
  # Indented it is shown as it is.
  printf '### keysieve could not run\n\n    %s\n' "${1//$'\n'/ }" >>"$GITHUB_STEP_SUMMARY"
  output exit-code 2
  output complete false
  exit 2
}

# The release to get, in `version`.
version=''
choose_version() {
  version="${KEYSIEVE_VERSION:-}"
  if [ -z "$version" ]; then
    version="$(sed -n 's/^version = "\(.*\)"$/\1/p' "$GITHUB_ACTION_PATH/Cargo.toml" | head -n 1)"
  fi
  version="${version#v}"
  [[ "$version" =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] \
    || fail "version is \`$version\`, and has to be a release such as 1.2.3"
}

# The platform as releases name it; nothing where there is no binary for it.
target() {
  case "${RUNNER_OS:-}-${RUNNER_ARCH:-}" in
    Linux-X64) echo x86_64-unknown-linux-musl ;;
    Linux-ARM64) echo aarch64-unknown-linux-musl ;;
    macOS-X64) echo x86_64-apple-darwin ;;
    macOS-ARM64) echo aarch64-apple-darwin ;;
    Windows-X64) echo x86_64-pc-windows-msvc ;;
    Windows-ARM64) echo aarch64-pc-windows-msvc ;;
  esac
}

# Plain HTTP is for a mirror on this machine only.
download() {
  local protocol='=https'
  case "$1" in http://127.0.0.1:* | http://localhost:*) protocol='=http' ;; esac
  curl --fail --silent --show-error --location --proto "$protocol" --retry 2 --max-time 300 --output "$2" "$1"
}

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# Verifies who built the archive, where gh is there and may ask.
verify_attestation() {
  if [ "${KEYSIEVE_SKIP_ATTESTATION:-}" = 1 ]; then
    echo "keysieve: the attestation is not verified: KEYSIEVE_SKIP_ATTESTATION is set"
  elif [ -z "$token" ] || [ "${GITHUB_SERVER_URL:-https://github.com}" != https://github.com ] \
    || ! command -v gh >/dev/null || ! gh attestation verify --help >/dev/null 2>&1; then
    echo "keysieve: the attestation is not verified: there is no gh here that can; the checksum was"
  elif GH_TOKEN="$token" gh attestation verify "$1" --repo "$2" >attestation.log 2>&1; then
    echo "keysieve: the attestation says that $2 built it"
  else
    fail "the attestation of $1 cannot be verified; with KEYSIEVE_SKIP_ATTESTATION: 1 in the step's env the checksum alone \
counts: $(tail -n 3 attestation.log)"
  fi
}

# The release's binary, with its checksum verified; fails where it cannot be had, and ends the step where it is not what it
# should be.
from_release() {
  local repository="$1" target archive expected
  target="$(target)"
  [ -n "$target" ] || return 1
  archive="keysieve-$target.tar.gz"
  local from="${KEYSIEVE_RELEASES:-https://github.com/$repository/releases/download}/v$version"
  download "$from/$archive" "$archive" && download "$from/SHA256SUMS" SHA256SUMS || return 1
  expected="$(awk -v name="$archive" '$2 == name || $2 == "*" name { print $1 }' SHA256SUMS)"
  [ -n "$expected" ] || fail "the checksums of release $version do not list $archive"
  [ "$(sha256 "$archive")" = "$expected" ] || fail "the checksum of $archive is not that of release $version"
  verify_attestation "$archive" "$repository"
  tar -xzf "$archive" || fail "$archive cannot be unpacked"
  binary="$work/keysieve-$target/keysieve"
  [ "${RUNNER_OS:-}" != Windows ] || binary="$binary.exe"
}

# The same version from the Python package index, into a folder of its own.
from_wheel() {
  local python bin=venv/bin exe=''
  [ "${RUNNER_OS:-}" != Windows ] || { bin=venv/Scripts exe=.exe; }
  python="$(command -v python3 || command -v python)" || return 1
  "$python" -m venv venv || return 1
  "$bin/python$exe" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: "keysieve==$version" \
    || return 1
  binary="$work/$bin/keysieve$exe"
}

binary=''
install() {
  local repository="${KEYSIEVE_REPOSITORY:-${GITHUB_REPOSITORY:-}}"
  choose_version
  cd "$work"
  if from_release "$repository"; then
    echo "keysieve: release $version of $repository"
  elif from_wheel; then
    echo "keysieve: $version from the Python package index, since the release could not be had"
  else
    fail "keysieve $version can be had neither from the releases of $repository nor from the Python package index"
  fi
  cd "$OLDPWD"
}

# The arguments for the mode, in `arguments`.
arguments=()
arrange() {
  local path="${KEYSIEVE_PATH:-.}" mode="${KEYSIEVE_MODE:-auto}"
  [ -z "${KEYSIEVE_HEAD:-}" ] || [ -n "${KEYSIEVE_BASE:-}" ] || fail "head is given without base"
  case "$mode" in
    auto) ;;
    range) [ -n "${KEYSIEVE_BASE:-}" ] || fail "mode is range, and base is not given" ;;
    audit | scan | image) [ -z "${KEYSIEVE_BASE:-}" ] || fail "base is given, which mode $mode has no use for" ;;
    *) fail "mode is \`$mode\`, and has to be auto, range, audit, scan or image" ;;
  esac
  case "$mode" in
    auto | range)
      arguments=(ci --fetch "--repo=$path")
      [ -z "${KEYSIEVE_BASE:-}" ] || arguments+=("--base=$KEYSIEVE_BASE")
      [ -z "${KEYSIEVE_HEAD:-}" ] || arguments+=("--head=$KEYSIEVE_HEAD")
      ;;
    *) arguments=("$mode") ;;
  esac
  [ -z "${KEYSIEVE_CONFIG:-}" ] || arguments+=("--config=$KEYSIEVE_CONFIG")
  [ -z "${KEYSIEVE_BASELINE:-}" ] || arguments+=("--baseline=$KEYSIEVE_BASELINE")
  [ -z "${KEYSIEVE_FAIL_ON:-}" ] || arguments+=("--fail-on=$KEYSIEVE_FAIL_ON")
  local further
  case "${KEYSIEVE_ARGS:-}" in
    *$'\n'*)
      while IFS= read -r further; do
        [ -z "$further" ] || arguments+=("$further")
      done <<<"$KEYSIEVE_ARGS"
      ;;
    ?*)
      read -r -a further <<<"$KEYSIEVE_ARGS"
      arguments+=("${further[@]}")
      ;;
  esac
  # What begins with a dash is a path all the same.
  case "$mode" in audit | scan | image) arguments+=(-- "$path") ;; esac
}

# The step's summary has a limit, beyond which the runner drops all of it.
summarize() {
  local limit=1000000
  [ -s "$1" ] || return 0
  head -c "$limit" "$1" >>"$GITHUB_STEP_SUMMARY"
  [ "$(wc -c <"$1")" -le "$limit" ] || printf '\n\nThe rest did not fit in here; the log has it.\n' >>"$GITHUB_STEP_SUMMARY"
}

main() {
  arrange
  install
  local sarif="${KEYSIEVE_SARIF_FILE:-$work/keysieve.sarif}" code=0 stop
  # Names and messages of the repository are printed: until the word is said again, the runner takes no line for a command.
  stop="keysieve-$RANDOM$RANDOM$RANDOM"
  printf '::stop-commands::%s\n' "$stop"
  # Options come before what names the path.
  local command="${arguments[0]}"
  "$binary" "$command" --quiet --format text --also "github=$work/annotations" --also "markdown=$work/summary.md" \
    --also "sarif=$sarif" --outputs "$GITHUB_OUTPUT" "${arguments[@]:1}" 2>"$work/errors" || code=$?
  cat "$work/errors"
  printf '\n::%s::\n' "$stop"
  case "$code" in 0 | 1 | 2) ;; *) code=2 ;; esac
  if [ ! -e "$work/annotations" ]; then
    fail "keysieve could not begin: $(head -c 2000 "$work/errors")"
  fi
  cat "$work/annotations"
  summarize "$work/summary.md"
  output sarif-file "$sarif"
  output exit-code "$code"
  exit "$code"
}

main
