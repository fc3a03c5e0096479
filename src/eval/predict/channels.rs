//! From the errors of single channels to those of a layer.

use super::{ErrorParts, LayerNoise, PredictedError};

/// Sums over output positions of one channel: of errors `e`, of exact outputs `y`, and of their products.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub count: f64,
    pub e: f64,
    pub ee: f64,
    pub y: f64,
    pub yy: f64,
    pub ey: f64,
}

impl Sums {
    pub fn add(&mut self, error: f64, exact: f64) {
        self.merge(Sums { count: 1.0, e: error, ee: error * error, y: exact, yy: exact * exact, ey: error * exact });
    }

    pub fn merge(&mut self, other: Sums) {
        self.count += other.count;
        self.e += other.e;
        self.ee += other.ee;
        self.y += other.y;
        self.yy += other.yy;
        self.ey += other.ey;
    }
}

/// One channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Channel {
    /// What an integer of its sums stands for.
    pub scale: f64,
    /// Mean error of its sums, over all positions.
    pub mean: f64,
    /// Of some positions.
    pub sums: Sums,
}

/// All channels of a layer.
#[derive(Debug)]
pub(super) struct Channels(pub Vec<Channel>);

/// Squares and products of deviations from a mean, over some number of elements.
#[derive(Debug, Clone, Copy, Default)]
struct Deviations {
    ee: f64,
    yy: f64,
    ey: f64,
}

impl Channel {
    /// Means of error and exact output, in units of the output.
    fn means(&self) -> [f64; 2] {
        [self.mean * self.scale, self.sums.y / self.sums.count.max(1.0) * self.scale]
    }

    /// Within the channel.
    fn within(&self) -> Deviations {
        let Sums { count, e, ee, y, yy, ey } = self.sums;
        let count = count.max(1.0);
        let square = self.scale * self.scale;
        Deviations {
            ee: ((ee - e * e / count) * square).max(0.0),
            yy: ((yy - y * y / count) * square).max(0.0),
            ey: (ey - e * y / count) * square,
        }
    }
}

impl Channels {
    /// Mean and deviation of the error of all elements.
    pub fn summary(&self) -> PredictedError {
        let channels = &self.0;
        let count: f64 = channels.iter().map(|channel| channel.sums.count).sum();
        let weight = |channel: &Channel| channel.sums.count / count.max(1.0);
        let mean_of =
            |which: usize| channels.iter().map(|channel| weight(channel) * channel.means()[which]).sum::<f64>();
        let [mean, exact_mean] = [0, 1].map(mean_of);
        let (mut within, mut between) = (Deviations::default(), Deviations::default());
        for channel in channels {
            let part = channel.within();
            within.ee += part.ee;
            within.yy += part.yy;
            within.ey += part.ey;
            let [e, y] = channel.means();
            let (e, y) = (e - mean, y - exact_mean);
            between.ee += channel.sums.count * e * e;
            between.yy += channel.sums.count * y * y;
            between.ey += channel.sums.count * e * y;
        }
        let yy = within.yy + between.yy;
        let relative = |squares: f64| if yy > 0.0 { (squares.max(0.0) / yy).sqrt() } else { 0.0 };
        let gain = if yy > 0.0 { (within.ey + between.ey) / yy } else { 0.0 };
        let left = |of: Deviations| of.ee - 2.0 * gain * of.ey + gain * gain * of.yy;
        let exact_std = if count > 1.0 { (yy / (count - 1.0)).sqrt() } else { 0.0 };
        PredictedError {
            noise: LayerNoise { stdev: relative(within.ee + between.ee), mean },
            parts: ErrorParts {
                mean: if exact_std > 0.0 { mean / exact_std } else { 0.0 },
                gain,
                channels: relative(left(between)),
                scatter: relative(left(within)),
            },
        }
    }
}
