//! Batches are what reading and preprocessing give, and errors arrive.

use super::*;
use crate::data::storage::Origin;
use crate::data::{self, BatchError, Batches, DataError, PixelKind, Preprocess, ReadPixels, Split};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn size(size: usize) -> NonZeroUsize {
    NonZeroUsize::new(size).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn batches_equal_direct_reading(
        (encoding, set) in encoded_sets(9),
        batch_size in 1..12usize,
        limit in proptest::option::of(0..12usize),
        crop in proptest::option::of(1..6usize),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = (encoding.write)(&set, folder.path());
        let preprocess = Preprocess { mean: vec![0.3], std: vec![0.5], crop, ..Preprocess::default() };
        let open = || data::open(&path, None, Split::Test).unwrap();
        let batches = Batches::start(open(), preprocess.clone(), size(batch_size), limit).unwrap();
        let samples = limit.unwrap_or(usize::MAX).min(set.labels.len());
        prop_assert_eq!(batches.samples(), samples);
        let shape = batches.image_shape();
        let mut direct = open();
        let mut first = 0;
        for batch in batches {
            let batch = batch.unwrap();
            let end = samples.min(first + batch_size);
            prop_assert_eq!(batch.first, first);
            prop_assert_eq!(batch.images.dims(), [&[end - first][..], &shape].concat());
            prop_assert_eq!(&batch.labels[..], &direct.labels()[first..end]);
            let expected = preprocess.apply(direct.read(first..end).unwrap(), direct.image_shape()).unwrap();
            prop_assert_eq!(batch.images.flatten_all().unwrap().to_vec1::<f32>().unwrap(), expected);
            first = end;
        }
        prop_assert_eq!(first, samples);
    }
}

/// A reader that counts its calls, and from sample 30 does something else.
struct Faulty<F> {
    reads: Arc<AtomicUsize>,
    fault: F,
}

impl<F: FnMut() -> Result<Pixels, DataError> + Send> ReadPixels for Faulty<F> {
    fn read(&mut self, samples: Range<usize>) -> Result<Pixels, DataError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if samples.end > 30 { (self.fault)() } else { Ok(Pixels::Bytes(vec![0; samples.len()])) }
    }
}

fn faulty(fault: impl FnMut() -> Result<Pixels, DataError> + Send + 'static) -> (Batches, Arc<AtomicUsize>) {
    let reads = Arc::new(AtomicUsize::new(0));
    let origin = Origin::new("faulty".to_owned(), []);
    let reader = Faulty { reads: reads.clone(), fault };
    let dataset = Dataset::new(origin, [1, 1, 1], PixelKind::Bytes, vec![0; 1000], reader);
    (Batches::start(dataset, Preprocess::default(), size(10), None).unwrap(), reads)
}

#[test]
fn an_error_ends_the_batches() {
    let (batches, reads) = faulty(|| Err(DataError::content("some file", "nothing", "something")));
    let results: Vec<_> = batches.collect();
    assert!(results[..3].iter().all(Result::is_ok));
    assert!(matches!(results[3..], [Err(BatchError::Data(_))]));
    assert_eq!(reads.load(Ordering::SeqCst), 4);
}

#[test]
fn a_panic_is_an_error() {
    let (batches, _) = faulty(|| panic!("no such pixel"));
    let results: Vec<_> = batches.collect();
    assert_eq!(results.len(), 4);
    let message = results[3].as_ref().unwrap_err().to_string();
    assert!(message.contains("no such pixel"), "{message}");
}

#[test]
fn dropping_ends_the_thread_and_only_a_few_batches_are_ahead() {
    let (mut batches, reads) = faulty(|| panic!("read too far ahead"));
    let _ = batches.next().unwrap().unwrap();
    drop(batches);
    // One taken, two waiting, one in the making; joined, so that nothing is read any more.
    assert!(reads.load(Ordering::SeqCst) <= 4);
}

#[test]
fn unsuitable_preprocessing_fails_at_the_start() {
    let dataset = data::embedded("fashion-mnist").unwrap().open().unwrap();
    let preprocess = Preprocess { mean: vec![0.5; 3], ..Preprocess::default() };
    let error = Batches::start(dataset, preprocess, size(1), None).unwrap_err();
    assert!(matches!(error, BatchError::Preprocess(_)), "{error}");
}
