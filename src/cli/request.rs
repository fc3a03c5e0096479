//! Evaluations that another program asks for: the command's options, on a network and data in its memory.
//!
//! Options are those of the command line, so that there is one way in which they are read and checked, and one that is
//! new can be asked for at once. What they would name files for may be [`Given`] instead.

use super::evaluate::EvaluateArgs;
use super::experiment_file::renamed;
use super::{Given, describe};
use crate::eval::{BatchOutputs, LutFiles, Progress, Rules, Session};
use crate::lut::Costs;
use crate::report::Report;
use std::ffi::OsString;
use std::io;

/// The options of an evaluation, read and checked.
///
/// ```
/// use approx_eval::cli::{Given, Request};
/// use approx_eval::eval::{LutFiles, Silent};
///
/// let request = Request::parse(["--lut=drum-4", "--limit=64"])?;
/// let mut session = request.open(Given::default(), LutFiles::default(), Silent)?;
/// let report = request.evaluate(&mut session, |batch| {
///     assert_eq!(batch.outputs, 10);
///     Ok(())
/// })?;
/// assert_eq!(report.dataset.samples, 64);
/// // Another question to the same session, which keeps what it has opened and observed.
/// let request = Request::parse(["--lut=drum-6", "--limit=64"])?;
/// request.configure(&mut session, LutFiles::default())?;
/// request.evaluate(&mut session, |_| Ok(()))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Request {
    args: EvaluateArgs,
    costs: Costs,
    rules: Rules,
}

impl Request {
    /// Reads options as the command line has them, such as `--act-bits=6`.
    ///
    /// # Errors
    /// Names the option at fault, what was found and what was expected.
    pub fn parse(options: impl IntoIterator<Item = impl Into<OsString>>) -> anyhow::Result<Self> {
        let mut command = EvaluateArgs::command();
        let name = OsString::from(command.get_name());
        let arguments = std::iter::once(name).chain(options.into_iter().map(Into::into));
        let args = EvaluateArgs::parse(&mut command, arguments.collect())?;
        Ok(Request { costs: args.costs()?, args, rules: Rules::default() })
    }

    /// The same with these rules in front of those of the options.
    #[must_use]
    pub fn with_rules(self, rules: Rules) -> Self {
        Request { rules, ..self }
    }

    /// Opens all that the options name and all that is `given`; `luts` are the files of multipliers that options and
    /// rules name and that are in memory.
    ///
    /// # Errors
    /// Names the file, option or layer, what was found and what was expected.
    pub fn open(&self, given: Given, luts: LutFiles, progress: impl Progress + 'static) -> anyhow::Result<Session> {
        let mut experiment = self.args.experiment_on(given)?;
        experiment.lut_files = luts;
        experiment.rules = self.all_rules(&experiment.rules);
        Ok(Session::open(experiment)?.with_progress(progress))
    }

    /// Makes an open session one for the options that concern layers, accumulators and the seed; those that decide the
    /// network and its data have no effect on it.
    ///
    /// # Errors
    /// As [`open`](Self::open); the session then stays as it was, but for `luts`.
    pub fn configure(&self, session: &mut Session, luts: LutFiles) -> anyhow::Result<()> {
        let mut configuration = self.args.configuration()?;
        configuration.rules = self.all_rules(&configuration.rules);
        session.replace_lut_files(luts);
        Ok(session.configure(configuration)?)
    }

    fn all_rules(&self, of_options: &Rules) -> Rules {
        let mut rules = Rules::new(self.rules.iter().cloned().collect());
        rules.extend(of_options.iter().cloned());
        rules
    }

    /// Evaluates what `session` is about, and passes each batch's outputs to `sink`.
    ///
    /// # Errors
    /// When the layers cannot be quantized, or data, network or sink fail.
    pub fn evaluate(
        &self,
        session: &mut Session,
        sink: impl FnMut(&BatchOutputs) -> io::Result<()>,
    ) -> anyhow::Result<Report> {
        Ok(self.args.evaluate(session, &self.costs, sink)?.1)
    }

    /// Does `work` on as many threads as the options say.
    ///
    /// # Errors
    /// When they cannot be started, or as `work` has them.
    pub fn on_threads<T: Send>(&self, work: impl FnOnce() -> anyhow::Result<T> + Send) -> anyhow::Result<T> {
        self.args.on_threads(work)
    }
}

/// `error` in one line, as [`describe`] has it, with the options of an evaluation called by key: `act_bits`.
pub fn describe_by_key(error: &anyhow::Error) -> String {
    let command = EvaluateArgs::command();
    let is_option = |name: &str| command.get_arguments().any(|option| option.get_long() == Some(name));
    renamed(&describe(error), |name| is_option(name).then(|| name.replace('-', "_")))
}
