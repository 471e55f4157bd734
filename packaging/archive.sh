#!/usr/bin/env bash
# A release's archive for one target: the binary, manual pages, completions, licences. On Linux, macOS and Git Bash.
#
#   packaging/archive.sh TARGET BINARY OUT
#
# Leaves dist/share beside, from which the .deb takes pages and completions.
set -euo pipefail
cd "$(dirname "$0")/.."
target="$1" binary="$2" out="$3"
name="keysieve-$target"

rm -rf dist/share "dist/$name"
mkdir -p "$out" "dist/$name" dist/share/man/man1 dist/share/bash-completion/completions dist/share/zsh/site-functions \
  dist/share/fish/vendor_completions.d
"$binary" man dist/share/man/man1
"$binary" completions bash >dist/share/bash-completion/completions/keysieve
"$binary" completions zsh >dist/share/zsh/site-functions/_keysieve
"$binary" completions fish >dist/share/fish/vendor_completions.d/keysieve.fish

cp "$binary" README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT "dist/$name/"
cp -R dist/share "dist/$name/share"
# The same bytes in, the same archive out; the tars that cannot promise that are not GNU's.
if tar --version | grep -q GNU; then
  tar --sort=name --owner=0 --group=0 --numeric-owner --mtime='1980-01-01 00:00Z' -C dist -cf "dist/$name.tar" "$name"
else
  tar -C dist -cf "dist/$name.tar" "$name"
fi
gzip -n -9 -c "dist/$name.tar" >"$out/$name.tar.gz"
rm -rf "dist/$name" "dist/$name.tar"
echo "$out/$name.tar.gz"
