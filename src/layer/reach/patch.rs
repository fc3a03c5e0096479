//! What the weights of single output positions meet.

use crate::layer::{Flow, Window};

/// The activations of an output position, one for each weight that takes part in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Patch {
    /// The kernel taps that take part: all, but those of a transposed convolution that reach no input there.
    pub taps: Vec<usize>,
    /// The bytes of one group after the other, in the order of [`weights_of`](Window::weights_of) the taps.
    pub bytes: Vec<u8>,
}

impl Window {
    /// What is read for output position `position` of image `image` of `input` (`[images, channels, height, width]`).
    /// Padding is `padding`.
    ///
    /// # Panics
    /// When there is no such image or position.
    pub(crate) fn patch(&self, input: &[u8], [image, position]: [usize; 2], padding: u8) -> Patch {
        let (geometry, plane) = (&self.geometry, self.geometry.input[0] * self.geometry.input[1]);
        let at = [position / geometry.output[1], position % geometry.output[1]];
        let place = |tap: usize| {
            let [row, column] = [tap / geometry.kernel[1], tap % geometry.kernel[1]];
            let [row, column] = [(0, row), (1, column)].map(|(axis, tap)| self.source(axis, at[axis], tap));
            row.zip(column).map(|(row, column)| row * geometry.input[1] + column)
        };
        let places: Vec<Option<usize>> = (0..geometry.kernel.iter().product()).map(place).collect();
        let takes_part = |tap: &usize| self.flow == Flow::Forward || places[*tap].is_some();
        let taps: Vec<usize> = (0..places.len()).filter(takes_part).collect();
        let byte = |channel: usize, tap: usize| {
            places[tap].map_or(padding, |place| input[(image * self.channels() + channel) * plane + place])
        };
        let of_group =
            |group: usize| self.order(&taps).map(move |(channel, tap)| (group * geometry.channels + channel, tap));
        let bytes = (0..self.groups).flat_map(of_group).map(|(channel, tap)| byte(channel, tap)).collect();
        Patch { taps, bytes }
    }

    /// The places of the weights of `taps` among those of an output channel, in the order in which they lie there.
    pub(crate) fn weights_of(&self, taps: &[usize]) -> Vec<usize> {
        let (channels, kernel) = (self.geometry.channels, self.geometry.kernel.iter().product::<usize>());
        let place = |(channel, tap)| match self.flow {
            Flow::Forward => channel * kernel + tap,
            Flow::Transposed => tap * channels + channel,
        };
        self.order(taps).map(place).collect()
    }

    /// Input channel of a group and tap of the weights of `taps`, in the order in which they lie in an output channel.
    fn order<'t>(&self, taps: &'t [usize]) -> impl Iterator<Item = (usize, usize)> + use<'t> {
        let (channels, flow) = (self.geometry.channels, self.flow);
        (0..channels * taps.len()).map(move |i| match flow {
            Flow::Forward => (i / taps.len(), taps[i % taps.len()]),
            Flow::Transposed => (i % channels, taps[i / channels]),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::layer::{ConvAttributes, ConvTransposeAttributes, Convolution};

    /// Two groups of one channel, a row of three under a kernel of two: the first output reads the padding.
    #[test]
    fn groups_follow_each_other() {
        let row = ConvAttributes::<1> { padding: [[1, 0]], groups: 2, ..Default::default() };
        let window = row.window(&[1, 2, 3], &[2, 1, 2]).unwrap();
        let read = |position| window.patch(&[1, 2, 3, 11, 12, 13], [0, position], 7).bytes;
        assert_eq!([read(0), read(2)], [[7, 1, 7, 11], [2, 3, 12, 13]]);
        assert_eq!(window.weights_of(&[0, 1]), [0, 1]);
    }

    /// A transposed kernel of three with a stride of two: even outputs take the outer taps of two inputs, odd ones
    /// the middle tap of one. Two channels, which lie inside the taps.
    #[test]
    fn transposed_kernels_read_real_inputs_alone() {
        let row = ConvTransposeAttributes::<1> { stride: [2], ..Default::default() };
        let window = row.window(&[1, 2, 2], &[2, 1, 3]).unwrap();
        let read = |position| {
            let patch = window.patch(&[1, 2, 11, 12], [0, position], 7);
            (window.weights_of(&patch.taps), patch.bytes)
        };
        assert_eq!(read(0), (vec![0, 1], vec![1, 11]));
        assert_eq!(read(1), (vec![2, 3], vec![1, 11]));
        assert_eq!(read(2), (vec![0, 1, 4, 5], vec![2, 12, 1, 11]));
    }
}
