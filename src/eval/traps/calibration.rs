//! Calibration sets that give other scales than the network would be deployed with.

use super::{CalibrationSeen, Evaluated, layers, quoted};
use crate::quant::Observer;

/// Calibration samples that are evaluated too: the scales fit the test set.
pub(super) fn evaluated_samples(facts: &Evaluated) -> Option<String> {
    /// Published sets have a few images in both parts by accident; less than one in a hundred.
    const LEAST_SHARE: f64 = 0.01;
    /// One sample alone is such an accident too, of however few.
    const LEAST_SHARED: usize = 2;
    /// Where samples repeat within the set, as rows of a few small numbers do, they repeat in any other.
    const LEAST_DISTINCT: f64 = 0.9;
    let CalibrationSeen { fingerprints, shared, .. } = facts.calibration()?;
    if (fingerprints.distinct() as f64) < LEAST_DISTINCT * fingerprints.len() as f64 {
        return None;
    }
    let share = |of: usize| *shared as f64 / of.max(1) as f64;
    let is_much = share(fingerprints.len()).max(share(facts.images.samples)) >= LEAST_SHARE;
    (*shared >= LEAST_SHARED && is_much).then(|| {
        format!(
            "{shared} of {} evaluated samples are among the {} of calibration: ranges fit the test set; calibrate \
             on other samples, such as the training set's (calib_data)",
            facts.images.samples,
            fingerprints.len()
        )
    })
}

/// One image, or the same one again and again.
pub(super) fn one_image(facts: &Evaluated) -> Option<String> {
    let CalibrationSeen { fingerprints, images, .. } = facts.calibration()?;
    let is_one = images.samples == 1 || images.samples == fingerprints.len() && fingerprints.distinct() == 1;
    is_one.then(|| {
        let found = match images.samples {
            1 => "calibrated on a single sample".to_owned(),
            samples => format!("all {samples} calibration samples are the same"),
        };
        format!("{found}, whose ranges others exceed: calibrate on some hundred samples of all classes (calib_data)")
    })
}

/// Blank images.
pub(super) fn constant_images(facts: &Evaluated) -> Option<String> {
    /// Sets may have a blank image here and there.
    const SHARE: f64 = 0.1;
    let CalibrationSeen { images, .. } = facts.calibration()?;
    (images.constant as f64 > SHARE * images.samples as f64).then(|| {
        format!(
            "{} of {} calibration samples are constant, all values of each channel being the same: check how they were made",
            images.constant, images.samples
        )
    })
}

/// Floats calibrate a network that is evaluated on bytes, or bytes one that is evaluated on floats, of another range.
/// Sets of one kind, preprocessed alike, are compared by how they [fill](layers::range) the first layer's range.
pub(super) fn other_range(facts: &Evaluated) -> Option<String> {
    /// Fewer samples may have a smaller range by themselves.
    const LEAST_SAMPLES: usize = 16;
    /// How far spans may be apart.
    const RATIO: f32 = 2.0;
    let CalibrationSeen { pixel_kind, images, .. } = facts.calibration()?;
    let evaluated = facts.images;
    if *pixel_kind == facts.pixel_kind || images.samples.min(evaluated.samples) < LEAST_SAMPLES {
        return None;
    }
    let ratio = images.span() / evaluated.span();
    // The layer's own note says more.
    let is_alike = !ratio.is_finite() || (1.0 / RATIO..=RATIO).contains(&ratio);
    (!is_alike && layers::range(facts).is_none()).then(|| {
        format!(
            "calibration samples lie from {} to {}, evaluated ones from {} to {}: one of the two sets is normalized \
             otherwise; floats are taken as they are, bytes by mean and std",
            images.low, images.high, evaluated.low, evaluated.high
        )
    })
}

/// Layers whose inputs were all zero in calibration, so that their scale means nothing.
pub(super) fn zero_layers(facts: &Evaluated) -> Option<String> {
    let CalibrationSeen { layers, observer, .. } = facts.calibration()?;
    let is_zero =
        |name: &str| layers.get(name).is_some_and(|seen| seen.input.minimum >= 0.0 && seen.input.max_abs == 0.0);
    let zero: Vec<&str> = facts
        .layers
        .iter()
        .filter(|layer| layer.is_quantized())
        .map(|layer| layer.name)
        .filter(|n| is_zero(n))
        .collect();
    (!zero.is_empty()).then(|| {
        let found = match observer {
            Observer::MinMax => "calibration saw only zeros".to_owned(),
            observer => format!("calibration by {observer} found a range of 0"),
        };
        format!(
            "{found} in the inputs of {}: their scales mean nothing; calibrate on samples that reach these layers \
             (calib_data){}",
            quoted(&zero),
            if *observer == Observer::MinMax { "" } else { ", or by minmax (calib)" }
        )
    })
}
