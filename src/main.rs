//! The command: all of it is the library's.

use approx_eval::cli;

fn main() -> std::process::ExitCode {
    cli::main(std::env::args_os()).into()
}
