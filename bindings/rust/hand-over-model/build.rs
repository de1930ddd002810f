//! What it takes from `matrix-devices` is built with loom's lock.

fn main() {
    println!("cargo::rustc-cfg=loom");
}
