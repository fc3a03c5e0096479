//! Image files encoded here by hand, of every kind that the formats allow and programs write.

use super::*;
use crate::cases::for_each_case;
use crate::data::EncodedImage;
use std::fmt::Write as _;

/// A PNG file (<https://www.w3.org/TR/png-3/>): one row of `depth` bits and color type `color`, chunks of
/// one's own, and the row's bytes.
fn png_row(width: u32, depth: u8, color: u8, chunks: &[(&[u8; 4], &[u8])], row: &[u8]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |name: &[u8; 4], content: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(name);
        crc.update(content);
        file.extend((content.len() as u32).to_be_bytes());
        file.extend([name, content].concat());
        file.extend(crc.sum().to_be_bytes());
    };
    chunk(b"IHDR", &[&width.to_be_bytes()[..], &1u32.to_be_bytes(), &[depth, color, 0, 0, 0]].concat());
    chunks.iter().for_each(|(name, content)| chunk(name, content));
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::none());
    // The filter of the row: none.
    zlib.write_all(&[&[0], row].concat()).expect("memory");
    chunk(b"IDAT", &zlib.finish().expect("memory"));
    chunk(b"IEND", &[]);
    file
}

/// The shape and planes of an image file.
pub fn planes(bytes: Vec<u8>) -> Result<([usize; 3], Vec<u8>), String> {
    let image = EncodedImage { file: "picture".to_owned(), bytes };
    let shape = decode::shape(&image).map_err(|error| error.to_string())?;
    let planes = decode::planes(&image).map_err(|error| error.to_string())?;
    assert_eq!(shape, planes.shape);
    Ok((shape, planes.bytes))
}

/// What a file is, its bytes, and the shape and planes that it has.
type Case<'a> = (&'a str, Vec<u8>, [usize; 3], &'a [u8]);

#[test]
fn pngs_of_every_color_type() {
    let palette: &[(&[u8; 4], &[u8])] = &[(b"PLTE", &[1, 2, 3, 40, 50, 60, 7, 8, 9]), (b"tRNS", &[0, 128])];
    let transparent: &[(&[u8; 4], &[u8])] = &[(b"tRNS", &[0, 5])];
    let cases: [Case; 9] = [
        ("gray", png_row(3, 8, 0, &[], &[0, 5, 255]), [1, 1, 3], &[0, 5, 255]),
        ("gray, one level transparent", png_row(3, 8, 0, transparent, &[0, 5, 255]), [1, 1, 3], &[0, 5, 255]),
        ("gray, 1 bit", png_row(4, 1, 0, &[], &[0b0110_0000]), [1, 1, 4], &[0, 255, 255, 0]),
        // The high byte is the nearest of v / 257 for these.
        ("gray, 16 bits", png_row(2, 16, 0, &[], &[200, 200, 17, 17]), [1, 1, 2], &[200, 17]),
        ("gray and alpha", png_row(2, 8, 4, &[], &[10, 0, 20, 255]), [1, 1, 2], &[10, 20]),
        ("color", png_row(2, 8, 2, &[], &[1, 2, 3, 4, 5, 6]), [3, 1, 2], &[1, 4, 2, 5, 3, 6]),
        ("color, 16 bits", png_row(1, 16, 2, &[], &[9, 9, 8, 8, 7, 7]), [3, 1, 1], &[9, 8, 7]),
        ("color and alpha", png_row(2, 8, 6, &[], &[1, 2, 3, 0, 4, 5, 6, 99]), [3, 1, 2], &[1, 4, 2, 5, 3, 6]),
        ("palette", png_row(3, 8, 3, palette, &[1, 0, 2]), [3, 1, 3], &[40, 1, 7, 50, 2, 8, 60, 3, 9]),
    ];
    for_each_case(cases, |(what, file, shape, bytes)| {
        assert_eq!(planes(file.clone()), Ok((shape, bytes.to_vec())), "{what}");
        for len in 0..file.len() {
            if let Ok(found) = planes(file[..len].to_vec()) {
                assert_eq!(found, (shape, bytes.to_vec()), "{what} cut to {len}");
            }
        }
    });
}

/// A baseline JPEG file (ITU-T T.81) of one row of 8 x 8 blocks, each flat and of one level in each
/// component: all that is coded is the difference of their means.
fn flat_jpeg(components: u8, blocks: &[&[u8]], segments: &[&[u8]]) -> Vec<u8> {
    let segment =
        |marker: u8, content: &[u8]| [&[0xff, marker][..], &(content.len() as u16 + 2).to_be_bytes(), content].concat();
    let quantization = segment(0xdb, &[&[0][..], &[1; 64]].concat());
    let part = |id: u8| [id, 0x11, 0];
    let width = (blocks.len() as u16 * 8).to_be_bytes();
    let frame = [&[8, 0, 8][..], &width, &[components], &(1..=components).flat_map(part).collect::<Vec<_>>()].concat();
    // Codes: of the size of a DC difference, four bits that are the size itself, 0 to 11 of them; of AC,
    // one bit that ends the block.
    let dc = [&[0x00][..], &[0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &(0..12).collect::<Vec<u8>>()].concat();
    let ac = [&[0x10, 1][..], &[0; 15], &[0]].concat();
    let scan: Vec<u8> = (1..=components).flat_map(|id| [id, 0]).collect();
    let scan = segment(0xda, &[&[components][..], &scan, &[0, 63, 0]].concat());
    let mut bits = String::new();
    let mut before = vec![0i32; components.into()];
    for block in blocks {
        for (&level, before) in block.iter().zip(&mut before) {
            // The mean times 8: the transform's own scale.
            let value = (i32::from(level) - 128) * 8;
            let difference = value - *before;
            *before = value;
            let size = 32 - difference.unsigned_abs().leading_zeros();
            write!(bits, "{size:04b}").expect("memory");
            if size > 0 {
                let code = if difference > 0 { difference } else { difference + (1 << size) - 1 };
                write!(bits, "{code:0width$b}", width = size as usize).expect("memory");
            }
            bits.push('0');
        }
    }
    let bits = bits + "1111111";
    let coded = bits.as_bytes().chunks_exact(8).flat_map(|byte| {
        let byte = byte.iter().fold(0, |value, bit| value << 1 | (bit - b'0'));
        if byte == 0xff { vec![0xff, 0] } else { vec![byte] }
    });
    let coded: Vec<u8> = coded.collect();
    let start: &[u8] = &[0xff, 0xd8];
    let tables = [quantization, segment(0xc0, &frame), segment(0xc4, &dc), segment(0xc4, &ac)].concat();
    [start, &segments.concat(), &tables, &scan, &coded, &[0xff, 0xd9]].concat()
}

/// Blocks' levels as pixels of planes of 8 rows.
fn pixels(levels: &[&[u8]], channel: usize) -> Vec<u8> {
    let row: Vec<u8> = levels.iter().flat_map(|block| [block[channel]; 8]).collect();
    row.repeat(8)
}

#[test]
fn jpegs_of_flat_blocks_have_their_levels() {
    let gray: [&[u8]; 4] = [&[0], &[255], &[7], &[129]];
    let file = flat_jpeg(1, &gray, &[]);
    let whole = ([1, 8, 32], pixels(&gray, 0));
    assert_eq!(planes(file.clone()), Ok(whole.clone()));
    for len in 0..file.len() {
        assert!(planes(file[..len].to_vec()).is_err(), "{len} of {}", file.len());
    }
    // Orientation 6, a quarter turn, in an Exif segment: not followed.
    let exif = b"\xff\xe1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    assert_eq!(planes(flat_jpeg(1, &gray, &[exif])), Ok(whole));
    // Y, Cb and Cr: gray, and JFIF's conversion of two colors by hand (R = Y + 1.402 (Cr - 128), and so on).
    let color: [&[u8]; 3] = [&[90, 128, 128], &[100, 128, 178], &[100, 98, 128]];
    let expected: [&[u8]; 3] = [&[90, 90, 90], &[170, 64, 100], &[100, 110, 47]];
    let (shape, found) = planes(flat_jpeg(3, &color, &[])).unwrap();
    assert_eq!(shape, [3, 8, 24]);
    let expected: Vec<u8> = (0..3).flat_map(|channel| pixels(&expected, channel)).collect();
    assert!(found.iter().zip(&expected).all(|(found, expected)| found.abs_diff(*expected) <= 1), "{found:?}");
}
