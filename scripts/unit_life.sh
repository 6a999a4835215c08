# Run as root in a booted Debian 12 where /var/lib/fiscal_*.deb can be installed without a network: the package and its unit under a real
# systemd, from installation to purge. For scripts/package.sh --check. Ends with a line "unit: all of it works".
set -eu
trap 'code=$?; [ $code = 0 ] || { echo "unit: FAILED with $code"; systemctl status --no-pager --full fiscal.service; journalctl -n 40 --no-pager -u fiscal.service; }' EXIT
say() { echo "unit: $*"; }
of() { systemctl show --value -p "$1" fiscal.service; }
# Until a condition holds; systemd acts on its own.
until_true() {
  tries=300
  until "$@"; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || { say "in vain: $*"; return 1; }
    sleep 0.1
  done
}
SHARE=/usr/share/fiscal
DEB=$(echo /var/lib/fiscal_*.deb)

say "installation starts it; systemctl start returned, so it said that it is ready"
dpkg -i "$DEB"
[ "$(systemctl is-enabled fiscal)" = enabled ]
[ "$(systemctl is-active fiscal)" = active ]
[ "$(of Type)" = notify ]
say "status: $(of StatusText)"
[ "$(stat -c %U /proc/"$(of MainPID)")" != root ]
# The hardening is in force: a filter of system calls, no capability, nothing new to be had.
for line in Seccomp:2 CapEff:0000000000000000 CapBnd:0000000000000000 NoNewPrivs:1; do
  tr -d '\t' </proc/"$(of MainPID)"/status | grep -qx "$line"
done
fiscal catalog import --list division --division 140000 --year 2024 $SHARE/lists/divisions.csv

say "an upgrade restarts it, with the data it had"
before=$(of MainPID)
dpkg -i "$DEB"
[ "$(systemctl is-active fiscal)" = active ]
[ "$(of MainPID)" != "$before" ]
fiscal catalog list --list division --year 2024 >/tmp/divisions
[ "$(wc -l </tmp/divisions)" -gt 100 ]

say "a crash is followed by a restart"
before=$(of MainPID)
kill -KILL "$before"
restarted() { [ "$(of NRestarts)" = 1 ] && [ "$(systemctl is-active fiscal)" = active ]; }
until_true restarted
fiscal catalog list --list division --year 2024 | cmp - /tmp/divisions

say "exit 70, after a failed sync, too"
mkdir -p /run/systemd/system/fiscal.service.d
printf '[Service]\nExecStart=\nExecStart=/bin/sh -c "exit 70"\n' >/run/systemd/system/fiscal.service.d/end.conf
systemctl daemon-reload
systemctl restart fiscal || true
again() { [ "$(of NRestarts)" -ge 1 ]; }
until_true again
rm -r /run/systemd/system/fiscal.service.d
systemctl daemon-reload

say "a wrong configuration is not tried again"
cp /etc/fiscal/serve.yaml /tmp/serve.yaml
echo 'no_such_setting: 1' >>/etc/fiscal/serve.yaml
systemctl stop fiscal
systemctl reset-failed fiscal 2>/dev/null || true
systemctl start fiscal 2>/dev/null && exit 1
[ "$(of ExecMainStatus)" = 2 ]
[ "$(systemctl is-failed fiscal)" = failed ]
[ "$(of NRestarts)" = 0 ]
cp /tmp/serve.yaml /etc/fiscal/serve.yaml
systemctl start fiscal

say "a stop is a drain, and no failure"
systemctl stop fiscal
[ "$(of Result)" = success ]
[ "$(of ExecMainStatus)" = 0 ]
systemctl start fiscal
systemd-analyze security --no-pager fiscal.service | tail -n 1

say "backup and restore, as docs/operations.md has them"
mkdir /tmp/backup /tmp/try
fiscal -o json log tree-head >/tmp/backup/head.json
systemctl stop fiscal
tar -C /var/lib/private/fiscal -cpf /tmp/backup/fiscal.tar --exclude=./totals .
systemctl start fiscal
# What comes after the backup is not in it.
fiscal catalog import --list functional --division 140000 --year 2024 $SHARE/lists/functional.csv
systemctl stop fiscal
mv /var/lib/private/fiscal /var/lib/private/fiscal.broken
mkdir -m 700 /var/lib/private/fiscal
tar -C /var/lib/private/fiscal -xpf /tmp/backup/fiscal.tar
systemctl start fiscal
fiscal admin verify
fiscal catalog list --list division --year 2024 | cmp - /tmp/divisions
[ "$(fiscal -o json log tree-head | grep tree_size)" = "$(grep tree_size /tmp/backup/head.json)" ]
tar -C /tmp/try -xpf /tmp/backup/fiscal.tar
fiscal serve --data-dir /tmp/try --listen 127.0.0.1:7499 2>/tmp/try.log &
trial=$!
fiscal --server 127.0.0.1:7499 admin verify
kill $trial
wait $trial

say "what was disabled stays so across an upgrade"
systemctl disable --quiet fiscal
dpkg -i "$DEB"
[ "$(systemctl is-enabled fiscal)" = disabled ]
systemctl enable --quiet fiscal

say "removal stops it; purge keeps the data and says where"
dpkg -r fiscal
[ "$(systemctl is-active fiscal)" != active ]
dpkg -P fiscal | tee /tmp/purge
grep -q 'the data stays in /var/lib/private/fiscal' /tmp/purge
[ -n "$(ls -A /var/lib/private/fiscal)" ]
say "all of it works"
