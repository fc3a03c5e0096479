//! What the process's exit code means.

/// How a run ended, for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// Done, and every gate held.
    Success,
    /// Done, but a gate failed.
    GateFailed,
    /// The command line or an input cannot be used.
    BadInput,
    /// A defect of the program.
    Internal,
}

impl ExitCode {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            ExitCode::Success => 0,
            ExitCode::GateFailed => 1,
            ExitCode::BadInput => 2,
            ExitCode::Internal => 3,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        code.code().into()
    }
}
