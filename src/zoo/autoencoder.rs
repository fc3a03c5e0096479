//! The dense autoencoder, MLPerf Tiny's anomaly detection (Banbury et al., 2021,
//! <https://arxiv.org/abs/2106.07597>), as Keras builds its reference: 5 frames of 128 log-mel energies
//! in and out, normalisations of epsilon 1e-3. The reference does not name its layers; here they are
//! `fc1` and `bn1` to `fc9` and `bn9`, and `fc10`. Its outputs are not classes but the input again.

use super::{Architecture, Builder};
use crate::graph::{GraphError, ValueId};

pub(super) const AUTOENCODER: Architecture = Architecture {
    name: "autoencoder",
    alias: None,
    summary: "MLPerf Tiny's anomaly detection: a dense autoencoder of 5 frames of 128 energies",
    input: [1, 5, 128],
    num_classes: 640,
    build,
};

/// Outputs of the hidden layers.
const HIDDEN: [usize; 9] = [128, 128, 128, 128, 8, 128, 128, 128, 128];

fn build(net: &mut Builder, x: ValueId) -> Result<ValueId, GraphError> {
    net.set_norm_eps(1e-3);
    let mut x = net.flatten(x)?;
    for (i, outputs) in (1..).zip(HIDDEN) {
        x = net.linear(&format!("fc{i}"), x, outputs)?;
        x = net.batch_norm(&format!("bn{i}"), x)?;
        x = net.relu(&format!("relu{i}"), x)?;
    }
    net.linear("fc10", x, net.num_classes())
}
