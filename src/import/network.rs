//! What an importer makes of a file.

use crate::graph::Graph;
use crate::graph::pass::Roundings;
use crate::quant::{Grid, ParamsFile};

/// A network read from another program's file.
#[derive(Debug)]
#[non_exhaustive]
pub struct Network {
    /// The network, its parameters bound.
    pub graph: Graph,
    /// Channels, height and width of its input.
    pub input: [usize; 3],
    /// The dimensions that a sample has in the file, where they are others: `[height, width, channels]`, or those
    /// of the same numbers in the same order.
    pub own_shape: Option<Vec<usize>>,
    /// Whether channels are last there.
    pub channels_last: bool,
    /// The integers that the file takes, where it takes no real numbers: the graph takes the numbers that these
    /// represent, and rounds others to them.
    pub input_grid: Option<Grid>,
    /// Number of output values for each image.
    pub outputs: usize,
    /// Whether these are an image of the input's size, as of an autoencoder.
    pub reconstructs_input: bool,
    /// Hash of the file, and of the external data that the network reads.
    pub blake3: String,
    /// Files of the external data that the network reads, relative to the file's folder.
    pub external: Vec<String>,
    /// The quantization parameters of layers, where the file is quantized already.
    pub params: Option<ParamsFile>,
    /// How layers round, where the file is of integer arithmetic.
    pub roundings: Option<Roundings>,
    /// Notes for reports.
    pub notes: Vec<String>,
}
