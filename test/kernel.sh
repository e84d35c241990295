#!/bin/sh
# `make test-kernel`: the suites of the families that few kernels have (CAN, AF_ALG, TIPC, vsock, SCTP), in Debian's kernel, which
# QEMU boots. debootstrap makes the disk once. The guest gets the tests and the library built here, on a disk of their own, and
# has no network but loopback. A skipped test is a failure: that kernel has everything. Needs root for debootstrap. Arguments
# are the names of suites to run instead.
set -u
cd "$(dirname "$0")/.."
cache=${ESOCK_KERNEL_CACHE:-/var/cache/esock-kernel}
ready=$cache/ready-1
log=$cache/install.log
suites=${*:-esock_can_SUITE esock_alg_SUITE esock_families_SUITE esock_kernel_SUITE}

failure() { # why
    echo "kernel: $1"
    echo "0 passed, 1 failed"
    exit 1
}

# A disk with Debian, and its kernel.
disk() {
    root=$cache/root
    rm -rf "$root"
    debootstrap --variant=minbase trixie "$root" || return 1
    chroot "$root" sh -c 'export DEBIAN_FRONTEND=noninteractive; apt-get -o Acquire::Check-Valid-Until=false update -q && apt-get install -q -y \
        --no-install-recommends erlang-base erlang-common-test erlang-eunit erlang-ssl erlang-tools \
        erlang-xmerl erlang-proper iproute2 linux-image-amd64 initramfs-tools kmod python3 gcc libc6-dev libsctp1 && apt-get clean' || return 1
    mkdir -p "$root/esock"
    # The first process. The rest comes with the tests.
    cat > "$root/esock/init" << 'END'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /tmp
mkdir -p /tmp/esock
tar -xf /dev/vdb -C /tmp/esock
cd /tmp/esock && sh kernel_guest.sh
echo b > /proc/sysrq-trigger
END
    chmod +x "$root/esock/init"
    cp "$root"/boot/vmlinuz-* "$cache/vmlinuz" && cp "$root"/boot/initrd.img-* "$cache/initrd" || return 1
    rm -f "$cache/disk"
    mke2fs -q -t ext4 -d "$root" "$cache/disk" 3G || return 1
    rm -rf "$root"
    touch "$ready"
}

mkdir -p "$cache" || failure "cannot write to $cache"
for tool in debootstrap mke2fs:e2fsprogs qemu-system-x86_64:qemu-system-x86; do
    command -v "${tool%:*}" > /dev/null || apt-get install -q -y --no-install-recommends "${tool#*:}" > "$log" 2>&1 ||
        failure "cannot install ${tool#*:}, see $log"
done
[ -e "$ready" ] || disk > "$log" 2>&1 || failure "cannot install Debian (is its archive within reach?), see $log"

# Compiled here: under TCG the compiler takes minutes.
tree=$cache/tree
rm -rf "$tree"
mkdir -p "$tree/lib/esock/priv" "$tree/test"
cp test/kernel_guest.sh "$tree" && cp -r _build/default/lib/esock/ebin "$tree/lib/esock" && cp priv/*.so "$tree/lib/esock/priv" &&
    erlc -o "$tree/test" test/*.erl > "$log.erlc" 2>&1 || failure "cannot compile, see $log.erlc (run make test-kernel)"
echo "$suites" > "$tree/suites"
# QEMU's disks end at a multiple of 512 bytes, as a tar file does.
tar -cf "$cache/tree.tar" -C "$tree" .
out=$cache/console.txt

# Boots with that accelerator, for at most an hour. Returns an error if the first process has not begun after two minutes. QEMU's
# own model of a processor: with the host's, KVM in a virtual machine may refuse to start.
boot() { # kvm or tcg
    echo "kernel: boots with $1, the console is in $out"
    : > "$out"
    timeout 3600 nice qemu-system-x86_64 -accel "$1" -smp 2 -m 2G -nographic -monitor none -serial stdio -no-reboot -nic none \
        -kernel "$cache/vmlinuz" -initrd "$cache/initrd" -append "console=ttyS0 quiet no_timer_check root=/dev/vda rw init=/esock/init panic=-1" \
        -drive "file=$cache/disk,format=raw,if=virtio,snapshot=on" -drive "file=$cache/tree.tar,format=raw,if=virtio,readonly=on" \
        < /dev/null > "$out" 2>&1 &
    machine=$!
    trap 'kill $machine' INT TERM
    waited=0
    until grep -q '^esock-kernel: Linux' "$out"; do
        # KVM stops a guest that it cannot run; QEMU goes on.
        if [ $waited = 120 ] || ! kill -0 $machine 2> /dev/null || grep -q 'KVM internal error' "$out"; then
            kill $machine 2> /dev/null
            wait $machine
            return 1
        fi
        sleep 1
        waited=$((waited + 1))
    done
    wait $machine
    return 0
}

{ [ -w /dev/kvm ] && boot kvm; } || boot tcg
plain=$(sed 's/\x1b\[[0-9;?=]*[a-zA-Z]//g; s/\r//g' "$out")
last=$(echo "$plain" | grep -oE '^esock-kernel: [0-9]+ passed, [0-9]+ failed$' | tail -1)
[ -n "$last" ] || { echo "$plain" | tail -40; failure "the guest has not finished"; }
echo "$plain" | sed -n '/^esock-kernel: Linux/,$p' | grep -v '^esock-kernel: [0-9]* passed\|sysrq: Resetting'
echo "${last#esock-kernel: }"
case $last in *" 0 passed"*) exit 1 ;; *" 0 failed") exit 0 ;; *) exit 1 ;; esac
