# The targets that the README names. `make demo` and `make test` need no other target first.
.PHONY: setup build demo test test-otp test-kernel lint bench docs release clean

build: setup
	rebar3 compile

setup:
	@./setup.sh

test: build
	./test/run.sh

test-otp: build
	./test/otp.sh

# As root. Needs QEMU, which it installs.
test-kernel: build
	./test/kernel.sh

lint: setup
	cargo fmt --all --check
	cargo fmt --manifest-path bench/Cargo.toml --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	cargo clippy --manifest-path bench/Cargo.toml --target-dir _build/bench/target --all-targets --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --quiet
	RUSTDOCFLAGS="-D warnings" cargo doc --manifest-path bench/Cargo.toml --target-dir _build/bench/target --no-deps --document-private-items --quiet
	rebar3 do xref, dialyzer
	./test/dialyze.sh

demo: build
	./examples/demo.sh

bench: build
	./bench/run.sh

# Needs Python with venv, and rustup for targets other than this machine.
release: setup
	./native/release.sh

docs: setup
	./doc/site/build.sh

clean:
	rm -rf _build target priv/*.so checksum-esock.txt
