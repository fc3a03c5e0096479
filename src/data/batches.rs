//! Batches of a dataset, read and preprocessed on a thread of their own ahead of their use.

use super::selection::Indices;
use super::{DataError, Dataset, Preprocess, PreprocessError, Selection};
use crate::guard;
use candle_core::{Device, Tensor};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Batches that are ready ahead of use where they are small; one more is being prepared, and always that one.
const AHEAD: usize = 2;
/// Bytes of a batch from which on memory matters more.
const LARGE: usize = 4 << 20;

/// Samples that follow one another among those read, ready for a network.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Place of the first sample among those that are read.
    pub first: usize,
    /// Index of each sample in the dataset.
    pub samples: Vec<usize>,
    /// Images in f32, `[batch, channels, height, width]`.
    pub images: Tensor,
    /// The class of each image.
    pub labels: Vec<u32>,
}

/// Why a batch could not be prepared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// The dataset cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Its images cannot be preprocessed with the given settings.
    #[error(transparent)]
    Preprocess(#[from] PreprocessError),
    /// The tensor cannot be created.
    #[error("cannot create the tensor of samples {samples:?}")]
    Tensor {
        /// The batch.
        samples: Range<usize>,
        /// What candle says.
        #[source]
        source: Box<candle_core::Error>,
    },
    /// No thread could be started.
    #[error("cannot start the threads that prepare batches")]
    Threads(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A bug in the program.
    #[error("the thread that prepares batches panicked: {message}")]
    Panicked {
        /// The panic's message.
        message: String,
    },
}

impl BatchError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            BatchError::Data(error) => error.keys(),
            BatchError::Preprocess(error) => error.keys(),
            _ => &[],
        }
    }
}

/// An iterator over batches: of a dataset, that ends after the first error, or of tensors in memory.
/// Dropping it early ends the thread that prepares them after the batch that it is working on.
#[derive(Debug)]
pub struct Batches {
    name: String,
    image_shape: [usize; 3],
    samples: usize,
    source: BatchSource,
}

#[derive(Debug)]
enum BatchSource {
    /// A thread that prepares them ahead.
    Thread {
        /// Dropped before the thread is waited for, which otherwise could wait to send.
        receiver: Option<Receiver<Result<Batch, BatchError>>>,
        thread: Option<JoinHandle<()>>,
    },
    /// They are prepared.
    Memory(std::vec::IntoIter<Batch>),
}

impl Batches {
    /// Starts to prepare the `selection` of the samples of `dataset`, such as the first `Some(64)`, in batches of
    /// `batch_size`, of which the last may be smaller. Decoding and resizing take as many threads
    /// as the caller's rayon pool has, apart from that pool.
    ///
    /// # Errors
    /// When `preprocess` does not suit the dataset, or no thread can be started.
    pub fn start(
        dataset: Dataset,
        preprocess: Preprocess,
        batch_size: NonZeroUsize,
        selection: impl Into<Selection>,
    ) -> Result<Batches, BatchError> {
        let image_shape = preprocess.output_shape(dataset.image_shape(), dataset.pixel_kind())?;
        let indices = selection.into().indices(dataset.len());
        let samples = indices.len();
        let bytes =
            image_shape.iter().fold(batch_size.get() * size_of::<f32>(), |bytes, &size| bytes.saturating_mul(size));
        let (sender, receiver) = sync_channel(if bytes < LARGE { AHEAD } else { 0 });
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(rayon::current_num_threads())
            .thread_name(|index| format!("decode-{index}"))
            .build()
            .map_err(|source| BatchError::Threads(Box::new(source)))?;
        let name = dataset.name().to_owned();
        let worker = Worker { dataset, preprocess, image_shape, indices, pool };
        let thread = std::thread::Builder::new()
            .name("batches".to_owned())
            .spawn(move || worker.run(batch_size.get(), &sender))
            .map_err(|source| BatchError::Threads(Box::new(source)))?;
        let source = BatchSource::Thread { receiver: Some(receiver), thread: Some(thread) };
        Ok(Batches { name, image_shape, samples, source })
    }

    /// Batches of tensors that a network takes as they are: `f32` images `[batch, channels, height, width]`
    /// with their labels, numbered from 0.
    ///
    /// # Errors
    /// When there is no batch, images do not have four axes, their sizes differ, or there are not as many
    /// labels as images.
    ///
    /// ```
    /// use approx_eval::data::Batches;
    /// use candle_core::{DType, Device, Tensor};
    ///
    /// let images = Tensor::zeros((3, 1, 28, 28), DType::F32, &Device::Cpu)?;
    /// let batches = Batches::from_tensors([(images.clone(), vec![0, 1, 2]), (images, vec![3, 4, 5])])?;
    /// assert_eq!((batches.samples(), batches.image_shape()), (6, [1, 28, 28]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_tensors(tensors: impl IntoIterator<Item = (Tensor, Vec<u32>)>) -> candle_core::Result<Batches> {
        let (mut batches, mut samples, mut image_shape) = (Vec::new(), 0, None);
        for (images, labels) in tensors {
            let (n, channels, height, width) = images.dims4()?;
            let shape = [channels, height, width];
            let expected = *image_shape.get_or_insert(shape);
            if shape != expected || labels.len() != n {
                candle_core::bail!(
                    "{n} images of {shape:?} and {} labels, expected images of {expected:?}",
                    labels.len()
                );
            }
            batches.push(Batch { first: samples, samples: (samples..samples + n).collect(), images, labels });
            samples += n;
        }
        let Some(image_shape) = image_shape else { candle_core::bail!("no batches") };
        let (name, source) = ("memory".to_owned(), BatchSource::Memory(batches.into_iter()));
        Ok(Batches { name, image_shape, samples, source })
    }

    /// Batches that were prepared before, of the dataset called `name`.
    pub(crate) fn from_prepared(name: &str, batches: Vec<Batch>) -> Batches {
        let samples = batches.iter().map(|batch| batch.labels.len()).sum();
        let image_shape =
            batches.first().and_then(|batch| batch.images.dims()[1..].try_into().ok()).unwrap_or_default();
        Batches { name: name.to_owned(), image_shape, samples, source: BatchSource::Memory(batches.into_iter()) }
    }

    /// The name of the dataset that they are of.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Channels, height and width of the images in every batch.
    pub fn image_shape(&self) -> [usize; 3] {
        self.image_shape
    }

    /// Samples in all batches together.
    pub fn samples(&self) -> usize {
        self.samples
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, BatchError>;

    fn next(&mut self) -> Option<Result<Batch, BatchError>> {
        let (receiver, thread) = match &mut self.source {
            BatchSource::Thread { receiver, thread } => (receiver, thread),
            BatchSource::Memory(batches) => return batches.next().map(Ok),
        };
        if let Ok(batch) = receiver.as_ref()?.recv() {
            if batch.is_err() {
                *receiver = None;
            }
            return Some(batch);
        }
        // The thread has ended: having sent everything, or by a panic.
        *receiver = None;
        let panic = thread.take()?.join().err()?;
        Some(Err(BatchError::Panicked { message: guard::message(&*panic).to_owned() }))
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        let BatchSource::Thread { receiver, thread } = &mut self.source else { return };
        *receiver = None;
        if let Some(thread) = thread.take() {
            // A panic that nobody asked for any more has been printed by its hook.
            let _ = thread.join();
        }
    }
}

struct Worker {
    dataset: Dataset,
    preprocess: Preprocess,
    image_shape: [usize; 3],
    indices: Indices,
    pool: rayon::ThreadPool,
}

impl Worker {
    /// Sends batches until all are sent, one fails, or nobody listens any more.
    fn run(mut self, batch_size: usize, sender: &SyncSender<Result<Batch, BatchError>>) {
        let samples = self.indices.len();
        for first in (0..samples).step_by(batch_size) {
            let batch = self.batch(first..samples.min(first.saturating_add(batch_size)));
            let failed = batch.is_err();
            if sender.send(batch).is_err() || failed {
                return;
            }
        }
    }

    /// The batch of the samples at some places among those that are read.
    fn batch(&mut self, places: Range<usize>) -> Result<Batch, BatchError> {
        let Worker { dataset, preprocess, image_shape: [c, h, w], indices, pool } = self;
        let samples = indices.at(places.clone());
        let pixels = dataset.read_all(&samples)?;
        let input = dataset.image_shape();
        let values = pool.install(|| preprocess.apply(pixels, input))?;
        let images = Tensor::from_vec(values, (samples.len(), *c, *h, *w), &Device::Cpu)
            .map_err(|source| BatchError::Tensor { samples: places.clone(), source: Box::new(source) })?;
        let labels = samples.iter().map(|&sample| dataset.labels()[sample]).collect();
        Ok(Batch { first: places.start, samples, images, labels })
    }
}
