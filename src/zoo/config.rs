//! A model directory's `config.json`.

use super::Task;
use serde::Deserialize;

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
    /// What its input looks like.
    #[serde(default)]
    pub input: InputConfig,
    /// Names of the classes.
    #[serde(default)]
    pub labels: Vec<String>,
    /// The embedded data set that it is evaluated on when none is given.
    #[serde(default)]
    pub dataset: Option<String>,
    /// What timm writes in place of `input`.
    #[serde(default)]
    pretrained_cfg: Option<TimmConfig>,
}

/// What the network's input looks like.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct InputConfig {
    /// Channels, height, width; the architecture's own where it is missing.
    #[serde(default)]
    pub shape: Option<[usize; 3]>,
    /// Subtracted from `x / 255`, by channel.
    #[serde(default)]
    pub mean: Vec<f32>,
    /// Divided by after that, by channel.
    #[serde(default)]
    pub std: Vec<f32>,
    /// Shorter side that images are resized to.
    #[serde(default)]
    pub resize: Option<usize>,
    /// Square that is cut from the middle after that.
    #[serde(default)]
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
}

impl ModelConfig {
    /// Reads `config.json`, ours or timm's.
    ///
    /// # Errors
    /// When it is not JSON of either form.
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        let mut config: ModelConfig = serde_json::from_slice(json)?;
        if let Some(timm) = config.pretrained_cfg.take() {
            let crop = timm.input_size.map(|[_, height, _]| height);
            // timm resizes the shorter side to floor(size / crop_pct) and crops the middle.
            let resize = crop.zip(timm.crop_pct).map(|(crop, pct)| (crop as f64 / pct).floor() as usize);
            config.input = InputConfig { shape: timm.input_size, mean: timm.mean, std: timm.std, resize, crop };
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
