//! Files in the formats that the command reads, written from their definitions.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::collections::HashMap;
use std::io::Write;

/// A tensor to be stored: name, type, dimensions, little-endian bytes.
pub type Stored = (String, Dtype, Vec<usize>, Vec<u8>);

pub fn stored(name: &str, dtype: Dtype, shape: &[usize], bytes: Vec<u8>) -> Stored {
    (name.to_owned(), dtype, shape.to_vec(), bytes)
}

pub fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub fn safetensors(tensors: &[Stored]) -> Vec<u8> {
    safetensors_with(tensors, &[])
}

pub fn safetensors_with(tensors: &[Stored], metadata: &[(&str, &str)]) -> Vec<u8> {
    let metadata: HashMap<String, String> =
        metadata.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| (name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
    safetensors::serialize(views, (!metadata.is_empty()).then_some(metadata)).unwrap()
}

/// The rows of a `--logits` file.
pub fn read_logits(bytes: &[u8]) -> Vec<Vec<f32>> {
    let file = SafeTensors::deserialize(bytes).unwrap();
    let tensor = file.tensor("logits").unwrap();
    let &[_, classes] = tensor.shape() else { panic!("logits of shape {:?}", tensor.shape()) };
    assert_eq!(tensor.dtype(), Dtype::F32);
    let values = tensor.data().chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()));
    values.collect::<Vec<_>>().chunks_exact(classes).map(<[f32]>::to_vec).collect()
}

/// A set as `--data` takes it, of images of bytes.
pub fn byte_set(shape: [usize; 4], images: &[u8], labels: &[u8]) -> Vec<u8> {
    let labels = stored("labels", Dtype::U8, &[shape[0]], labels.to_vec());
    safetensors(&[stored("images", Dtype::U8, &shape, images.to_vec()), labels])
}

/// A set as `--data` takes it, of images of floats.
pub fn float_set(shape: [usize; 4], images: &[f32], labels: &[u8]) -> Vec<u8> {
    let labels = labels.iter().flat_map(|&label| i64::from(label).to_le_bytes()).collect();
    let labels = stored("labels", Dtype::I64, &[shape[0]], labels);
    safetensors(&[stored("images", Dtype::F32, &shape, f32_bytes(images)), labels])
}

/// An IDX file of bytes: big-endian dimensions behind `0 0 8 rank`.
pub fn idx(dims: &[usize], bytes: &[u8]) -> Vec<u8> {
    let dims_bytes = dims.iter().flat_map(|&dim| (dim as u32).to_be_bytes());
    [0, 0, 8, dims.len() as u8].into_iter().chain(dims_bytes).chain(bytes.iter().copied()).collect()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Records of CIFAR's binary version: `labels(i)`, then the image.
pub fn cifar(images: &[u8], labels: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let records = images.chunks_exact(3072).enumerate();
    records.flat_map(|(i, image)| [labels(i), image.to_vec()].concat()).collect()
}

/// A multiplier's products in numeric order of both operands, the first one major.
#[derive(Debug, Clone)]
pub struct Table {
    pub signed: bool,
    pub products: Vec<i32>,
}

impl Table {
    pub fn unsigned(product: impl Fn(i32, i32) -> i32) -> Self {
        Self::over(false, 0..=255, product)
    }

    pub fn signed(product: impl Fn(i32, i32) -> i32) -> Self {
        Self::over(true, -128..=127, product)
    }

    fn over(signed: bool, range: std::ops::RangeInclusive<i32>, product: impl Fn(i32, i32) -> i32) -> Self {
        let product = &product;
        let products = range.clone().flat_map(|a| range.clone().map(move |b| product(a, b))).collect();
        Table { signed, products }
    }

    pub fn product(&self, a: i32, b: i32) -> i32 {
        let first = if self.signed { -128 } else { 0 };
        self.products[((a - first) * 256 + b - first) as usize]
    }

    pub fn transposed(&self) -> Self {
        let swapped = |a, b| self.product(b, a);
        if self.signed { Self::signed(swapped) } else { Self::unsigned(swapped) }
    }

    fn bytes<const N: usize>(&self, entry: impl Fn(i32) -> [u8; N]) -> Vec<u8> {
        self.products.iter().flat_map(|&product| entry(product)).collect()
    }

    /// Raw little-endian `u16`.
    pub fn u16_bin(&self) -> Vec<u8> {
        self.bytes(|product| u16::try_from(product).unwrap().to_le_bytes())
    }

    /// Raw little-endian `i16`.
    pub fn i16_bin(&self) -> Vec<u8> {
        self.bytes(|product| i16::try_from(product).unwrap().to_le_bytes())
    }

    /// Raw little-endian `i16`, rows and columns in the order of the operands' bit patterns.
    pub fn i16_bin_by_pattern(&self) -> Vec<u8> {
        let by_pattern = || (0..256i32).map(|pattern| i32::from(pattern as u8 as i8));
        let products = by_pattern().flat_map(|a| by_pattern().map(move |b| self.product(a, b)));
        products.flat_map(|product| i16::try_from(product).unwrap().to_le_bytes()).collect()
    }

    /// Raw little-endian `i32`.
    pub fn i32_bin(&self) -> Vec<u8> {
        self.bytes(i32::to_le_bytes)
    }

    /// NumPy's format, of `int32`.
    pub fn npy(&self) -> Vec<u8> {
        super::pictures::npy("<i4", "(256, 256)", &self.i32_bin())
    }

    pub fn csv(&self) -> String {
        let line = |row: &[i32]| row.iter().map(ToString::to_string).collect::<Vec<_>>().join(",") + "\n";
        self.products.chunks_exact(256).map(line).collect()
    }

    /// The native format.
    pub fn native(&self, name: &str) -> Vec<u8> {
        let tensor = stored("lut", Dtype::I32, &[256, 256], self.i32_bin());
        let signed = if self.signed { "true" } else { "false" };
        safetensors_with(&[tensor], &[("name", name), ("signed", signed)])
    }
}
