//! The `hokku` binary.

fn main() -> std::process::ExitCode {
    hokku::cli::main()
}
