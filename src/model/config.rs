//! A model directory's `config.json`.

use super::corrected::CorrectionConfig;
use crate::data::{Interpolation, MAX_SIDE};
use crate::import::Layout;
use crate::task::Task;
use serde::de::Error;
use serde::{Deserialize, Serialize};

/// What a model says of itself. Fields that are not listed are provenance, and left alone.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ModelConfig {
    /// An architecture of the zoo.
    pub architecture: String,
    /// Outputs; the architecture's own number where it is missing.
    #[serde(default)]
    pub num_classes: Option<usize>,
    /// What its outputs mean; without it, their number says.
    #[serde(default)]
    pub task: Option<Task>,
    /// The score above which a binary classifier's samples are of class 1.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// What its input looks like.
    #[serde(default)]
    pub input: InputConfig,
    /// Names of the classes.
    #[serde(default)]
    pub labels: Vec<String>,
    /// The embedded data set that it is evaluated on when none is given.
    #[serde(default)]
    pub dataset: Option<String>,
    /// The file of the network, where it is another program's.
    #[serde(default)]
    pub network: Option<NetworkFile>,
    /// What its layers were corrected for, where they were.
    #[serde(default)]
    pub correction: Option<CorrectionConfig>,
    /// What timm writes in place of `input`.
    #[serde(default)]
    pretrained_cfg: Option<TimmConfig>,
}

/// Another program's file in a model directory: an .onnx or a .tflite file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkFile {
    /// The file, relative to the directory.
    pub file: String,
    /// Files of its external data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Axis order of its input.
    #[serde(default)]
    pub layout: Layout,
    /// The output that it is judged by, where it has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The state dict whose tensors replace some of the file's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
}

/// What the network's input looks like.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct InputConfig {
    /// Channels, height, width; the architecture's own where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<[usize; 3]>,
    /// Subtracted from `x / 255`, by channel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mean: Vec<f32>,
    /// Divided by after that, by channel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub std: Vec<f32>,
    /// Shorter side that images are resized to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize: Option<usize>,
    /// How pixels are weighed for that; bilinear where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpolation: Option<Interpolation>,
    /// Square that is cut from the middle after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crop: Option<usize>,
}

/// The part of timm's `config.json` that says what the input looks like.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
struct TimmConfig {
    #[serde(default)]
    mean: Vec<f32>,
    #[serde(default)]
    std: Vec<f32>,
    input_size: Option<[usize; 3]>,
    crop_pct: Option<f64>,
    crop_mode: Option<String>,
    interpolation: Option<Interpolation>,
}

impl TimmConfig {
    /// What timm does with images by `timm.data.resolve_data_config` and `create_transform`, its defaults
    /// included (`timm/data/config.py` of <https://github.com/huggingface/pytorch-image-models>): it brings
    /// the shorter side to `floor(size / crop_pct)` and crops the middle.
    fn input(self) -> Result<InputConfig, String> {
        const CROP_PCT: f64 = 0.875;
        if let Some(mode) = self.crop_mode.filter(|mode| mode != "center") {
            return Err(format!("pretrained_cfg.crop_mode is `{mode}`, expected `center`: no other is supported"));
        }
        let pct = self.crop_pct.unwrap_or(CROP_PCT);
        if !(pct > 0.0 && pct.is_finite()) {
            return Err(format!("pretrained_cfg.crop_pct is {pct}, expected a number above 0"));
        }
        let crop = self.input_size.map(|[_, height, _]| height);
        Ok(InputConfig {
            shape: self.input_size,
            mean: self.mean,
            std: self.std,
            resize: crop.map(|crop| (crop as f64 / pct).floor() as usize),
            interpolation: Some(self.interpolation.unwrap_or(Interpolation::Bicubic)),
            crop,
        })
    }
}

impl ModelConfig {
    /// Reads `config.json`, ours or timm's.
    ///
    /// # Errors
    /// When it is not JSON of either form, asks for images to be resized or cropped otherwise than
    /// is supported, or has a value that no network's input can have.
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        let mut config: ModelConfig = serde_json::from_slice(json)?;
        if let Some(timm) = config.pretrained_cfg.take() {
            config.input = timm.input().map_err(serde_json::Error::custom)?;
        }
        config.check().map_err(serde_json::Error::custom)?;
        Ok(config)
    }

    /// Fails unless mean and std fit images of so many channels.
    ///
    /// # Errors
    /// Says which has how many values.
    pub(super) fn check_channels(&self, channels: usize) -> Result<(), serde_json::Error> {
        for (key, values) in [("mean", &self.input.mean), ("std", &self.input.std)] {
            if values.len() > 1 && values.len() != channels {
                let found = values.len();
                let wrong =
                    format!("the input's {key} has {found} values, expected 1, or one for each of {channels} channels");
                return Err(serde_json::Error::custom(wrong));
            }
        }
        Ok(())
    }

    /// Fails at a value that would be an error later, where nobody knows that it is of this file.
    fn check(&self) -> Result<(), String> {
        /// Far beyond any image or list of classes, and small enough that counts of them do not overflow.
        const LARGEST: usize = 1 << 16;
        let InputConfig { shape, mean, std, resize, crop, .. } = &self.input;
        if let Some(shape) = shape.filter(|shape| shape.iter().any(|size| !(1..=LARGEST).contains(size))) {
            return Err(format!(
                "the input's shape is {shape:?}, expected channels, height, width, each 1 to {LARGEST}"
            ));
        }
        if let Some(classes) = self.num_classes.filter(|&classes| classes > 1 << 24) {
            return Err(format!("num_classes is {classes}, expected at most {}", 1 << 24));
        }
        for (key, side) in [("resize", resize), ("crop", crop)] {
            if let Some(side) = side.filter(|side| !(1..=MAX_SIDE).contains(side)) {
                return Err(format!("the input's {key} is {side}, expected 1 to {MAX_SIDE}"));
            }
        }
        if let Some(value) = mean.iter().find(|value| !value.is_finite()) {
            return Err(format!("the input's mean has the value {value}, expected finite numbers"));
        }
        if let Some(value) = std.iter().find(|value| !(value.is_finite() && **value > 0.0)) {
            return Err(format!("the input's std has the value {value}, expected finite numbers above 0"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn ours_and_timms() {
        let ours = br#"{"architecture":"lenet5","num_classes":10,"input":{"shape":[1,28,28],"mean":[0.5],"std":[0.25]},"provenance":{}}"#;
        let config = ModelConfig::parse(ours).unwrap();
        assert_eq!((config.input.shape, config.input.mean, config.input.crop), (Some([1, 28, 28]), vec![0.5], None));

        let timm = br#"{"architecture":"resnet18","num_classes":1000,"num_features":512,"pretrained_cfg":{"tag":"a1_in1k","mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225],"input_size":[3,224,224],"crop_pct":0.95}}"#;
        let config = ModelConfig::parse(timm).unwrap();
        assert_eq!(
            (config.input.shape, config.input.resize, config.input.crop),
            (Some([3, 224, 224]), Some(235), Some(224))
        );
        assert!(ModelConfig::parse(b"{}").is_err());
    }

    #[test]
    fn images_are_resized_as_either_says() {
        let ours = |input: &str| format!(r#"{{"architecture":"lenet5","input":{{{input}}}}}"#);
        let timm = |config: &str| {
            format!(r#"{{"architecture":"resnet18","pretrained_cfg":{{"input_size":[3,224,224]{config}}}}}"#)
        };
        let cases = [
            (ours(""), Ok((None, None))),
            (ours(r#""resize":32,"interpolation":"bicubic""#), Ok((Some(32), Some(Interpolation::Bicubic)))),
            (
                ours(r#""interpolation":"lanczos""#),
                Err("unknown interpolation 'lanczos': expected one of bilinear, bicubic"),
            ),
            // What timm takes where nothing is said: 224 / 0.875 is 256.
            (timm(""), Ok((Some(256), Some(Interpolation::Bicubic)))),
            (
                timm(r#","crop_pct":0.9,"crop_mode":"center","interpolation":"bilinear""#),
                Ok((Some(248), Some(Interpolation::Bilinear))),
            ),
            (timm(r#","crop_pct":1.0,"interpolation":"bicubic""#), Ok((Some(224), Some(Interpolation::Bicubic)))),
            (timm(r#","interpolation":"nearest""#), Err("unknown interpolation 'nearest'")),
            (timm(r#","crop_mode":"squash""#), Err("crop_mode is `squash`, expected `center`")),
            (timm(r#","crop_pct":0"#), Err("crop_pct is 0, expected a number above 0")),
        ];
        for_each_case(cases, |(json, expected)| {
            let found =
                ModelConfig::parse(json.as_bytes()).map(|config| (config.input.resize, config.input.interpolation));
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{json}"),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (found, _) => panic!("{json}: {found:?}"),
            }
        });
    }
}
