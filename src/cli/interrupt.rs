//! Ends by a signal, which leave nothing pending behind.

/// From now on, a signal to stop first undoes what is pending (output files, models in C that run),
/// then ends the process as it would have, so that shells see it and stop their loops: SIGHUP as of a
/// terminal that closes, SIGINT as by Ctrl-C, SIGQUIT, SIGTERM. One that the caller has ignored, as `nohup`
/// does, stays ignored. A file over the size limit is an error like a full disk, not an end.
///
/// Elsewhere than on Unix, and where the system refuses, signals are left as they are.
pub fn clean_up_on_signals() {
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ};
        use signal_hook::iterator::Signals;
        use signal_hook::low_level::emulate_default_handler;

        // A signal that is caught lets the write fail instead.
        let _ = signal_hook::flag::register(SIGXFSZ, std::sync::Arc::default());
        let heard: Vec<_> = match ignored_signals() {
            Some(ignored) => [SIGHUP, SIGINT, SIGQUIT, SIGTERM]
                .into_iter()
                .filter(|signal| ignored >> (signal - 1) & 1 == 0)
                .collect(),
            // One that `nohup` has the caller ignore may be among the others.
            None => vec![SIGINT, SIGTERM],
        };
        let Ok(mut signals) = Signals::new(heard) else { return };
        std::thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                crate::cleanup::undo_all();
                let _ = emulate_default_handler(signal);
                std::process::exit(128 + signal);
            }
        });
    }
}

/// The signals that are ignored, signal 1 in the lowest bit; `None` where the system does not say.
#[cfg(unix)]
fn ignored_signals() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}
