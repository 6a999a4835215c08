#!/usr/bin/env bash
# Installs what is needed, builds the program with Debian's hardening and makes dist/fiscal_*.deb (and -dbgsym), then checks it:
# lintian, the unit, the scripts of three shells. With --check, as root, it also goes through its life in a bare Debian 12:
# install, serve, upgrade, remove, purge. With --only-deb nothing is checked (the image's build stage).
. "$(dirname "$0")/lib.sh"

MODE=lint
case "${1:-}" in
  "") ;;
  --check | --only-deb) MODE=${1#--} ;;
  *) echo "usage: scripts/package.sh [--check | --only-deb]" >&2; exit 2 ;;
esac

# cpack asks `file` which programs are linked to libraries.
install_packages "${PACKAGES[@]}" file
# The time in everything that is made: the same sources give the same bytes.
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CMakeLists.txt)
fi
export SOURCE_DATE_EPOCH
# Paths are mapped by the compiler, in full; a cache that makes them relative first would get in its way.
export CCACHE_BASEDIR='' CCACHE_HASHDIR=1
unset CCACHE_NOHASHDIR
# Again each time: the changelog has that time.
say "configuring package"
cmake --preset package >/dev/null
build package fiscal package_files
# Of this build only, and made from an empty directory.
rm -rf dist build/package/_CPack_Packages build/package/fiscal*deb
build package deb
mkdir -p dist
mv build/package/fiscal*.deb build/package/fiscal*.ddeb dist/
(cd dist && sha256sum -- *deb)
DEB=$(echo dist/fiscal_*.deb)
[ "$MODE" != only-deb ] || exit 0

say "lintian"
install_packages lintian systemd zsh fish
lintian --allow-root --fail-on error,warning --display-info "$DEB"

say "the package's parts"
OUT=build/package/unpacked
rm -rf "$OUT"
dpkg-deb -x "$DEB" "$OUT"
PROGRAM=$OUT/usr/bin/fiscal
[ -z "$(readelf -S "$PROGRAM" | grep -E '\.debug_info|\.symtab')" ] || { echo "$PROGRAM is not stripped" >&2; exit 1; }
dpkg-deb -c dist/fiscal-dbgsym_*.ddeb | grep -F "$(readelf -n "$PROGRAM" | sed -n 's/.*Build ID: ..//p').debug"
if [ -f "$OUT/usr/share/fiscal/monitoring/rules.yaml" ]; then grep -q '^groups:' "$OUT/usr/share/fiscal/monitoring/rules.yaml"; fi
bash -n "$OUT/usr/share/bash-completion/completions/fiscal"
zsh -n "$OUT/usr/share/zsh/vendor-completions/_fiscal"
fish --no-execute "$OUT/usr/share/fish/vendor_completions.d/fiscal.fish"
[ "$(fish -c "source $OUT/usr/share/fish/vendor_completions.d/fiscal.fish; complete -C 'fiscal to'" | cut -f1)" = totals ]
[ "$(fish -c "source $OUT/usr/share/fish/vendor_completions.d/fiscal.fish; complete -C 'fiscal -o json catalog im'" | cut -f1)" = import ]

say "the unit's hardening"
# In tenths; what is left is the network, which is what it is for, and names looked up by it.
systemd-analyze security --offline=true --threshold=20 --no-pager "$OUT/lib/systemd/system/fiscal.service" | tail -n 1
[ "$MODE" = check ] || exit 0

[ "$(id -u)" = 0 ] || { echo "scripts/package.sh --check: only root can make a root of its own" >&2; exit 1; }
. scripts/roots.sh
ROOT=build/roots/package
install_packages iproute2
debian_root "$ROOT"

say "installing it with what it needs, and nothing else"
cp "$DEB" "$ROOT/tmp/fiscal.deb"
in_root "$ROOT" sh -ec 'apt-get update -q && apt-get install -y -q --no-install-recommends /tmp/fiscal.deb' >build/roots/package.log 2>&1 ||
  { tail -n 30 build/roots/package.log >&2; exit 1; }
in_root "$ROOT" fiscal --version
[ -L "$ROOT/etc/systemd/system/multi-user.target.wants/fiscal.service" ] || { echo "the unit is not enabled" >&2; exit 1; }

say "serving from the packaged configuration, as nobody in particular"
# The unit's StateDirectory does this.
install -d -m 700 -o 65532 -g 65532 "$ROOT/var/lib/fiscal"
cp scripts/served_life.sh "$ROOT/tmp/"
in_root --offline --user 65532 --read-only --writable /var/lib/fiscal "$ROOT" sh /tmp/served_life.sh

say "systemd's opinion of the unit, where it is installed"
in_root "$ROOT" apt-get install -y -q --no-install-recommends systemd >>build/roots/package.log 2>&1
in_root "$ROOT" systemd-analyze verify --man=no fiscal.service

say "an upgrade keeps a changed configuration"
echo '# changed here' >>"$ROOT/etc/fiscal/serve.yaml"
in_root "$ROOT" dpkg --force-confdef -i /tmp/fiscal.deb >>build/roots/package.log 2>&1
grep -q '^# changed here' "$ROOT/etc/fiscal/serve.yaml"

say "removal keeps configuration and data, purge the data"
in_root "$ROOT" dpkg -r fiscal
[ -f "$ROOT/etc/fiscal/serve.yaml" ] && [ ! -e "$ROOT/usr/bin/fiscal" ]
in_root "$ROOT" dpkg -P fiscal | tee build/roots/purge.log
grep -q 'the data stays in /var/lib/fiscal' build/roots/purge.log
grep -q '数据保留在 /var/lib/fiscal' build/roots/purge.log
[ -n "$(ls -A "$ROOT/var/lib/fiscal")" ] || { echo "purge took the data" >&2; exit 1; }
LEFT=$(find "$ROOT/etc" "$ROOT/usr" "$ROOT/lib" "$ROOT/var/lib/systemd" -iname '*fiscal*' 2>/dev/null || true)
[ -z "$LEFT" ] || { echo "purge left: $LEFT" >&2; exit 1; }

say "the unit, under a systemd of its own"
install_packages systemd-container
in_root "$ROOT" sh -ec 'apt-get install -y -q --no-install-recommends systemd-sysv dbus' >>build/roots/package.log 2>&1
rm -rf "$ROOT/var/lib/fiscal" "$ROOT/usr/sbin/policy-rc.d"
cat >"$ROOT/etc/systemd/system/unit-life.service" <<'UNIT'
[Unit]
After=multi-user.target
SuccessAction=poweroff
FailureAction=poweroff
[Service]
Type=oneshot
ExecStart=/bin/sh /var/lib/unit_life.sh
StandardOutput=file:/var/lib/unit_life.log
StandardError=inherit
TimeoutStartSec=300
UNIT
# Not in /tmp, which is another one after the boot.
cp scripts/unit_life.sh "$DEB" "$ROOT/var/lib/"
mkdir -p "$ROOT/etc/systemd/system/graphical.target.wants"
ln -sf ../unit-life.service "$ROOT/etc/systemd/system/graphical.target.wants/"
# Neither a bus nor a systemd is needed outside; what does not end is ended.
timeout 400 systemd-nspawn --quiet --register=no --keep-unit --private-network --boot -D "$ROOT" >build/roots/boot.log 2>&1 </dev/null || true
cat "$ROOT/var/lib/unit_life.log"
grep -q '^unit: all of it works$' "$ROOT/var/lib/unit_life.log"
say "all of it works"
