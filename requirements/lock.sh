#!/bin/sh
# Locks what pyproject.toml asks for, with hashes and without the address of any index. Needs uv on the path.
set -eu
lock() {
    file=requirements/$1.txt
    shift
    uv pip compile --quiet --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --no-emit-index-url --no-emit-find-links pyproject.toml "$@" --output-file "$file"
}
lock bench --extra local --extra test --extra bench
lock test --extra local --extra test --constraint requirements/bench.txt
lock run --extra local --constraint requirements/bench.txt
