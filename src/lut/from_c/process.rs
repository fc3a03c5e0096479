//! Programs that are run for a model: the compiler, and what it makes.
//!
//! Each runs in a process group of its own, without input, within limits of time, memory and file size, and is
//! killed together with all that it started: when it ends, is late, or when a signal ends this program.

use crate::cleanup::Pending;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Memory of a process, in bytes.
const MEMORY: u64 = 2 << 30;
/// Bytes of a file that it writes.
const FILE_SIZE: u64 = 64 << 20;
/// Bytes of what it says that are kept.
const MESSAGES: u64 = 4000;

/// How a program ended.
pub(super) enum Outcome {
    Success,
    Failure { status: ExitStatus, messages: String },
    TimedOut,
}

/// A folder for a model's files, that others cannot look into.
pub(super) struct BuildFolder {
    folder: PathBuf,
    _pending: Pending,
}

impl BuildFolder {
    pub fn new() -> io::Result<BuildFolder> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("approx-eval-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(PermissionsExt::from_mode(0o700));
        }
        let (folder, pending) = Pending::new(|| {
            let folder = builder.tempdir()?.keep();
            let path = folder.clone();
            Ok((folder, Box::new(move || remove(&path))))
        })?;
        Ok(BuildFolder { folder, _pending: pending })
    }

    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Runs `program`, which keeps its own temporary files here too, for at most `timeout`.
    pub fn run(&self, program: &[OsString], timeout: Duration) -> io::Result<Outcome> {
        let mut messages = tempfile::tempfile_in(self.path())?;
        let status = finish(limited(program, timeout).env("TMPDIR", self.path()), &messages, timeout)?;
        let Some(status) = status else { return Ok(Outcome::TimedOut) };
        if status.success() {
            return Ok(Outcome::Success);
        }
        let mut text = Vec::new();
        messages.rewind()?;
        messages.take(MESSAGES).read_to_end(&mut text)?;
        Ok(Outcome::Failure { status, messages: String::from_utf8_lossy(&text).trim_end().to_owned() })
    }
}

impl Drop for BuildFolder {
    fn drop(&mut self) {
        remove(&self.folder);
    }
}

/// Removes a folder, in which a process that was killed may still end a write.
fn remove(folder: &Path) {
    for _ in 0..100 {
        if std::fs::remove_dir_all(folder).is_ok() || !folder.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What a process may take, for messages.
pub(super) fn limits(timeout: Duration) -> String {
    format!("{} s, {} GiB of memory and {} MiB a file", timeout.as_secs(), MEMORY >> 30, FILE_SIZE >> 20)
}

/// The words of a compiler as `CC` has them, such as `ccache gcc -m64`: the path of a file is one, spaces and all.
pub(super) fn words(compiler: &OsStr) -> Vec<OsString> {
    match compiler.to_str() {
        Some(text) if !Path::new(text).is_file() => text.split_whitespace().map(OsString::from).collect(),
        _ => vec![compiler.to_owned()],
    }
}

/// A command within limits. The shell sets those that the system knows, then becomes the program.
#[cfg(unix)]
fn limited(program: &[OsString], timeout: Duration) -> Command {
    /// Units of `ulimit` (POSIX): seconds, KiB, blocks of 512 bytes. In a subshell first: to fail in raising a
    /// limit ends some shells.
    const SCRIPT: &str = "for limit in \"-t $1\" \"-v $2\" \"-f $3\"; do \
        (ulimit $limit) 2>/dev/null && ulimit $limit; done; shift 3; exec \"$@\"";
    use std::os::unix::process::CommandExt;
    let mut command = Command::new("sh");
    let limits = [timeout.as_secs().max(1), MEMORY / 1024, FILE_SIZE / 512].map(|limit| limit.to_string());
    command.args(["-c", SCRIPT, "sh"]).args(limits).args(program).process_group(0);
    command
}

#[cfg(not(unix))]
fn limited(program: &[OsString], _: Duration) -> Command {
    let mut command = Command::new(&program[0]);
    command.args(&program[1..]);
    command
}

/// Waits for `command` to end within `timeout`, and ends all that is left of it.
fn finish(command: &mut Command, messages: &File, timeout: Duration) -> io::Result<Option<ExitStatus>> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(messages.try_clone()?);
    let (mut child, _pending) = Pending::new(|| {
        let child = command.spawn()?;
        let group = Group::of(&child);
        Ok((child, Box::new(move || group.kill())))
    })?;
    let (group, start) = (Group::of(&child), Instant::now());
    let in_time = loop {
        if group.has_ended(&mut child)? {
            break true;
        }
        if start.elapsed() > timeout {
            break false;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    if !in_time {
        let _ = child.kill();
    }
    group.kill();
    // Only now may its number be another process's.
    let status = child.wait()?;
    Ok(in_time.then_some(status))
}

/// The process group of a child that has not been waited for.
#[cfg(unix)]
struct Group(rustix::process::Pid);

#[cfg(unix)]
impl Group {
    fn of(child: &Child) -> Group {
        Group(rustix::process::Pid::from_child(child))
    }

    fn kill(&self) {
        let _ = rustix::process::kill_process_group(self.0, rustix::process::Signal::KILL);
    }

    /// Whether the child has ended; it still has to be waited for.
    fn has_ended(&self, _: &mut Child) -> io::Result<bool> {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(self.0), options) {
            Ok(status) => Ok(status.is_some()),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// A child alone, where there are no process groups.
#[cfg(not(unix))]
struct Group;

#[cfg(not(unix))]
impl Group {
    fn of(_: &Child) -> Group {
        Group
    }

    fn kill(&self) {}

    fn has_ended(&self, child: &mut Child) -> io::Result<bool> {
        Ok(child.try_wait()?.is_some())
    }
}
