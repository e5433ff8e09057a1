# shellcheck shell=bash
# How the programs and the page are built; for deploy/up and tests/run. Sourced after lib.sh, from the root.

BIN=$ROOT/build/bin

build_programs() {
    local way_out="If you changed the code, mend it; else remove build/ and run this again."
    local before
    step "programs"
    before=$(cat "$BIN"/parley* 2>/dev/null | cksum || true)
    quietly "$1/build.log" "$way_out" cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPARLEY_TESTS=OFF
    quietly "$1/build.log" "$way_out" cmake --build build --target parley-api parley-gateway parley
    [ "$before" = "$(cat "$BIN"/parley* | cksum)" ] && done_step "are up to date" || done_step "built"
}

# install_modules FOLDER LOG: what its package-lock.json says, unless that is there.
install_modules() {
    local now
    now=$(cat "$1/package.json" "$1/package-lock.json" | cksum)
    [ "$now" != "$(cat "$1/node_modules/.parley-installed" 2>/dev/null)" ] || return 0
    quietly "$2" "Run this again when the network is there; or remove $1/node_modules first." \
        npm --prefix "$1" ci --no-audit --no-fund
    printf '%s\n' "$now" >"$1/node_modules/.parley-installed"
}

hash_of_web() {
    (cd web && find . \( -name node_modules -o -name dist \) -prune -o -type f -print0 | sort -z | xargs -0 cksum) | cksum
}

build_web() {
    local now
    step "page"
    now=$(hash_of_web)
    if [ -s web/dist/index.html ] && [ "$now" = "$(cat build/web.built 2>/dev/null)" ]; then
        done_step "is up to date"
        return
    fi
    install_modules web "$1/npm.log"
    quietly "$1/web.log" "If you changed web/, mend it; else remove web/node_modules and run this again." npm --prefix web run build
    printf '%s\n' "$now" >build/web.built
    done_step "built"
}
