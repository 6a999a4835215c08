#!/usr/bin/env bash
# Leaves out each check of who may do what, one at a time, and sees that a test turns red. In a copy of the last commit.
#   scripts/authority_mutations.sh [FIRST [LAST]]    all, or those of these numbers (authority_mutations.py list)
# One line each: number, file, what was left out, the test that noticed. Fails when one is noticed by none.
. "$(dirname "$0")/lib.sh"
install_packages "${PACKAGES[@]}"
tree=$PWD list=$PWD/scripts/authority_mutations.py
mapfile -t mutations < <(python3 "$list" list)
first=${1:-0} last=${2:-$((${#mutations[@]} - 1))}

copy=$(mktemp -d)
trap 'git -C "$tree" worktree remove --force "$copy/tree"; rm -rf "$copy"' EXIT
git worktree add -q --detach "$copy/tree"
cd "$copy/tree"
# Objects of other trees are the same ones.
export CCACHE_BASEDIR=$copy CCACHE_NOHASHDIR=1
export FISCAL_BIN_DIR=$PWD/build/release/bin
python3 "$list" check
mapfile -t programs < <(python3 "$list" tests)
build release "${programs[@]}" >"$copy/build.txt" || { tail -30 "$copy/build.txt"; exit 1; }

# The first failed test of "$1" with the filter $2; nothing when all are green.
red() {
  local status=0
  timeout 120 "$FISCAL_BIN_DIR/$1" --gtest_filter="$2" --gtest_brief=1 >"$copy/test.txt" 2>&1 </dev/null || status=$?
  [ $status = 0 ] || { grep -m1 -oE 'FAILED  \] [A-Za-z]+\.[A-Za-z]+' "$copy/test.txt" || echo "ends with $status"; } |
    sed 's/.*\] //'
}

# What is red already notices nothing.
while read -r program filter; do
  found=$(red "$program" "$filter")
  [ -z "$found" ] || { echo "$program: $found, before anything is left out"; exit 1; }
done < <(for i in "${!mutations[@]}"; do python3 "$list" tests "$i"; done | sort -u)

survived=0 tried=0
for ((i = first; i <= last; ++i)); do
  python3 "$list" apply "$i"
  noticed=
  while read -r program filter; do
    if ! cmake --build --preset release --target "$program" >"$copy/build.txt" 2>&1 </dev/null; then
      noticed="does not compile"
      grep -m3 error: "$copy/build.txt" || true
      survived=$((survived + 1))
      break
    fi
    found=$(red "$program" "$filter")
    [ -z "$found" ] || { noticed="$program $found"; break; }
  done < <(python3 "$list" tests "$i")
  [ -n "$noticed" ] || { noticed="NOBODY NOTICED"; survived=$((survived + 1)); }
  echo "${mutations[$i]}: $noticed"
  tried=$((tried + 1))
  git checkout -q .
done
echo "$tried left out, $survived not noticed"
[ $survived = 0 ]
