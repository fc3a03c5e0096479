//! Errors as the command prints them: the library names settings by key, the command by option.

use crate::data::{BatchError, DataError, PreprocessError};
use crate::eval::{CalibrationError, ImagesError, OpenError, ResolveError, SessionError};
use crate::import::onnx::{OnnxError, OnnxProblem};
use crate::layer::LayerProblem;
use crate::lut::{self, CodingError, FromCError, WriteError, detect::DetectError};
use crate::model::ModelError;
use crate::quant::{ParamsError, QuantError};
use crate::report::BaselineError;
use std::error::Error;

/// The keys of the settings that fix `error`, if it is of a type that knows some.
fn keys(error: &(dyn Error + 'static)) -> &'static [&'static str] {
    /// The keys of the first of these types, boxed or not, that it is.
    macro_rules! first_of {
        ($($type:ty),*) => {
            None$(
                .or_else(|| error.downcast_ref::<$type>().map(<$type>::keys))
                .or_else(|| error.downcast_ref::<Box<$type>>().map(|error| error.keys()))
            )*
        };
    }
    first_of!(
        OpenError,
        SessionError,
        CalibrationError,
        ImagesError,
        ResolveError,
        ModelError,
        OnnxError,
        OnnxProblem,
        DataError,
        BatchError,
        PreprocessError,
        lut::OpenError,
        DetectError,
        WriteError,
        FromCError,
        CodingError,
        QuantError,
        ParamsError,
        LayerProblem,
        BaselineError
    )
    .unwrap_or_default()
}

/// `error` and its causes in one line, followed by the options that fix it.
pub fn describe(error: &anyhow::Error) -> String {
    let message = format!("{error:#}");
    let mut options: Vec<String> = Vec::new();
    for key in error.chain().flat_map(keys) {
        let option = format!("--{}", key.replace('_', "-"));
        if !message.contains(&option) && !options.contains(&option) {
            options.push(option);
        }
    }
    if options.is_empty() { message } else { format!("{message} (see {})", options.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_named_once_and_only_where_the_message_does_not() {
        let error = || anyhow::Error::new(SessionError::from(CalibrationError::NoData("net".to_owned())));
        let plain = "model 'net' has no calibration set of its own: give one, or quantization parameters";
        assert_eq!(describe(&error()), format!("{plain} (see --calib-data, --qparams)"));
        assert_eq!(describe(&error().context("--qparams")), format!("--qparams: {plain} (see --calib-data)"));
        assert_eq!(describe(&anyhow::anyhow!("disk full").context("-o")), "-o: disk full");
    }
}
