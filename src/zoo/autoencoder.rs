//! The dense autoencoder, MLPerf Tiny's anomaly detection (Banbury et al., 2021,
//! <https://arxiv.org/abs/2106.07597>), as Keras builds its reference: 5 frames of 128 log-mel energies
//! in and out, normalizations of epsilon 1e-3. The reference does not name its layers; here they are
//! `fc1` and `bn1` to `fc9` and `bn9`, and `fc10`. Its outputs are not classes but the input again.
//!
//! The benchmark scores recordings, each the mean of all its windows of 5 frames. An image whose rows
//! are windows is such a recording: rows go through the network as samples of their own do.

use super::{Architecture, Builder};
use crate::graph::op::Reshape;
use crate::graph::{Dim, GraphError, ValueId};

pub(super) const AUTOENCODER: Architecture = Architecture {
    name: "autoencoder",
    aliases: &[],
    summary: "MLPerf Tiny's anomaly detection: a dense autoencoder of 5 frames of 128 energies",
    input: [1, 5, 128],
    num_classes: 640,
    build,
};

/// Outputs of the hidden layers.
const HIDDEN: [usize; 9] = [128, 128, 128, 128, 8, 128, 128, 128, 128];

fn build(net: &mut Builder, x: ValueId) -> Result<ValueId, GraphError> {
    net.set_norm_eps(1e-3);
    let window = net.num_classes();
    let (rows, width) = (net.size(x, 1) * net.size(x, 2), net.size(x, 3));
    let recording = width == window && rows > 1;
    let mut x = if recording {
        let shape = vec![Dim::Batch(rows), Dim::Fixed(window)];
        net.node("windows", Reshape { shape }, &[x])?
    } else {
        net.flatten(x)?
    };
    for (i, outputs) in (1..).zip(HIDDEN) {
        x = net.linear(&format!("fc{i}"), x, outputs)?;
        x = net.batch_norm(&format!("bn{i}"), x)?;
        x = net.relu(&format!("relu{i}"), x)?;
    }
    let x = net.linear("fc10", x, window)?;
    if recording {
        let shape = vec![Dim::Batch(1), Dim::Fixed(rows * window)];
        return net.node("recording", Reshape { shape }, &[x]);
    }
    Ok(x)
}
