//! Links the library so that the dynamic loader never unmaps it: the pollers run its code until the VM ends, whatever
//! becomes of the Erlang module.

fn main() {
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
