//! Cargo's build script: the embedded buildpacks are data, so cargo must be told to look at them.

fn main() {
    println!("cargo::rerun-if-changed=buildpacks");
}
