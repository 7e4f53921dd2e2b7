//! Cargo's build script: the embedded buildpacks are data, so cargo must be told to look at them.

#[expect(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]
fn main() {
    println!("cargo::rerun-if-changed=buildpacks");
}
