//! Ends by a signal, which leave no files in the making behind.

/// From now on, a signal to stop (SIGINT as by Ctrl-C, SIGTERM) first discards the output files in
/// the making, then ends the process as it would have: shells see 130 or 143, and stop their loops.
///
/// Elsewhere than on Unix, and where the system refuses, signals are left as they are.
pub fn discard_outputs_on_signals() {
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGINT, SIGTERM};
        use signal_hook::iterator::Signals;
        use signal_hook::low_level::emulate_default_handler;

        let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
        std::thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                crate::output::discard_all();
                let _ = emulate_default_handler(signal);
                std::process::exit(128 + signal);
            }
        });
    }
}
