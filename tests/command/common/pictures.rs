//! Pictures and NumPy files, byte by byte from their definitions, so that they can be wrong in any way.

use std::io::{Cursor, Write};

/// A PNG file of these chunks (ISO 15948): its signature, then length, type, content and CRC of each.
pub fn png(chunks: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, content) in chunks {
        let body = [kind.as_bytes(), content].concat();
        let mut crc = flate2::Crc::new();
        crc.update(&body);
        file.extend((content.len() as u32).to_be_bytes());
        file.extend(&body);
        file.extend(crc.sum().to_be_bytes());
    }
    file
}

/// The content of `IHDR`; color type 0 is gray, 2 color, 3 a palette.
pub fn ihdr(width: u32, height: u32, bits: u8, color: u8) -> Vec<u8> {
    [&width.to_be_bytes()[..], &height.to_be_bytes(), &[bits, color, 0, 0, 0]].concat()
}

/// The content of `IDAT` for `rows`, unfiltered.
pub fn idat(rows: &[&[u8]]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    rows.iter().for_each(|row| encoder.write_all(&[&[0], *row].concat()).unwrap());
    encoder.finish().unwrap()
}

/// A gray picture.
pub fn gray_png(width: usize, pixels: &[u8]) -> Vec<u8> {
    let rows: Vec<&[u8]> = pixels.chunks(width).collect();
    let header = ihdr(width as u32, rows.len() as u32, 8, 0);
    png(&[("IHDR", &header), ("IDAT", &idat(&rows)), ("IEND", &[])])
}

/// A gray picture as JPEG.
pub fn gray_jpeg(width: u32, height: u32) -> Vec<u8> {
    let picture = image::GrayImage::from_fn(width, height, |x, y| image::Luma([(x * 7 + y * 11) as u8]));
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, image::ImageFormat::Jpeg).unwrap();
    file.into_inner()
}

/// A NumPy file of version 1.0 (NEP 1), whose header is filled with spaces up to a multiple of 64 bytes.
pub fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let header = format!("{header:width$}\n", width = (header.len() + 11).next_multiple_of(64) - 11);
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// A zip archive of NumPy files (PKWARE's APPNOTE), as it is or deflated.
pub fn npz(members: &[(&str, Vec<u8>)], deflated: bool) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let stored = if deflated {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(content).unwrap();
            encoder.finish().unwrap()
        } else {
            content.clone()
        };
        let method = if deflated { 8u16 } else { 0 };
        let sizes = [crc.sum(), stored.len() as u32, content.len() as u32].map(u32::to_le_bytes).concat();
        let common =
            [&[20, 0, 0, 0][..], &method.to_le_bytes(), &[0; 4], &sizes, &(name.len() as u16).to_le_bytes(), &[0, 0]]
                .concat();
        directory.extend(
            [&b"PK\x01\x02\x14\x00"[..], &common, &[0; 10], &(file.len() as u32).to_le_bytes(), name.as_bytes()]
                .concat(),
        );
        file.extend([b"PK\x03\x04", &common[..], name.as_bytes(), &stored].concat());
    }
    let count = (members.len() as u16).to_le_bytes();
    let places = [directory.len() as u32, file.len() as u32].map(u32::to_le_bytes).concat();
    let end = [b"PK\x05\x06\0\0\0\0", &count[..], &count, &places, &[0, 0]].concat();
    [file, directory, end].concat()
}
