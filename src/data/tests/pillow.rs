//! JPEG files beside what Pillow decodes them to, as PNG: the folder `pillow`, made by Pillow 13.0.0 with
//! libjpeg-turbo 3.2.0.
//!
//! ```python
//! import numpy
//! from PIL import Image
//!
//! y, x = numpy.mgrid[:21, :19]
//! rgb = numpy.stack([x * 13, y * 12, (x * y * 7) % 256], -1).astype(numpy.uint8)
//! rgb[5:12, 3:9] = 250, 20, 60
//! rgb[9:18, 11:17] = 10, 200, 30
//! color = Image.fromarray(rgb)
//! for name, image, options in [
//!     ("444", color, {"subsampling": 0}),
//!     ("422", color, {"subsampling": 1}),
//!     ("420", color, {"subsampling": 2}),
//!     ("420-progressive", color, {"subsampling": 2, "progressive": True}),
//!     ("420-restarts", color, {"subsampling": 2, "restart_marker_blocks": 1}),
//!     ("rgb", color, {"keep_rgb": True}),
//!     ("gray", color.convert("L"), {}),
//!     ("cmyk", color.convert("CMYK"), {}),
//! ]:
//!     image.save(f"{name}.jpg", quality=90, optimize=True, **options)
//!     decoded = Image.open(f"{name}.jpg")
//!     decoded.convert("L" if name == "gray" else "RGB").save(f"{name}.png", optimize=True)
//! ```

use super::pictures::planes;
use super::*;
use crate::cases::for_each_case;
use crate::data::EncodedImage;

macro_rules! pairs {
    ($($name:literal),* $(,)?) => {
        [$((
            $name,
            include_bytes!(concat!("pillow/", $name, ".jpg")).as_slice(),
            include_bytes!(concat!("pillow/", $name, ".png")).as_slice(),
        )),*]
    };
}

/// Names, files and what Pillow decodes them to.
const PAIRS: [(&str, &[u8], &[u8]); 8] =
    pairs!["444", "422", "420", "420-progressive", "420-restarts", "rgb", "gray", "cmyk"];

#[test]
fn jpegs_decode_as_pillow_decodes_them() {
    for_each_case(PAIRS, |(name, jpeg, png)| {
        let expected = planes(png.to_vec());
        assert_eq!(expected.as_ref().unwrap().0, [if name == "gray" { 1 } else { 3 }, 21, 19], "{name}");
        assert_eq!(planes(jpeg.to_vec()), expected, "{name}");
        // Of a file of several images, as cameras write them, the first.
        assert_eq!(planes([jpeg, PAIRS[0].1].concat()), expected, "{name} and another");
    });
}

#[test]
fn cut_jpegs_are_refused() {
    for (name, jpeg, png) in PAIRS {
        let expected = planes(png.to_vec());
        for len in 0..jpeg.len() {
            assert!(planes(jpeg[..len].to_vec()).is_err(), "{name}: {len} of {}", jpeg.len());
            // The marker at the end makes no whole image of it, unless all that is cut off are bits that fill the
            // last byte. Whole scans may lack at the end of a progressive file.
            let marked = planes([&jpeg[..len], &[0xff, 0xd9]].concat());
            let whole = marked == expected && len + 3 >= jpeg.len();
            assert!(marked.is_err() || whole || name == "420-progressive", "{name}: {len} of {}", jpeg.len());
        }
    }
}

/// Where the frame header of a file starts: the first marker that says baseline or progressive.
fn frame(jpeg: &[u8]) -> usize {
    let start = |pair: &[u8]| pair == [0xff, 0xc0] || pair == [0xff, 0xc2];
    jpeg.windows(2).position(start).expect("a frame")
}

#[test]
fn jpegs_beyond_the_decoder_are_refused() {
    let [(_, color, _), .., (_, gray, _), (_, cmyk, _)] = PAIRS;
    // What is at which place of the frame header (ITU-T T.81, B.2.2), of the file, and what the error says.
    let cases: [(&[u8], usize, &[u8], &str); 6] = [
        (gray, 4, &[12], "12 bits a sample"),
        (gray, 5, &[0, 0], "height or width 0"),
        (gray, 5, &[0xff, 0x00, 0xff, 0x00], "exceeds limit"),
        (color, 17, &[0x12], "components sampled [(1, 1), (1, 1), (1, 2)]"),
        (cmyk, 11, &[0x22], "components sampled [(2, 2), (1, 1), (1, 1), (1, 1)]"),
        (cmyk, 14, &[0x41], "components sampled [(1, 1), (4, 1), (1, 1), (1, 1)]"),
    ];
    for_each_case(cases, |(jpeg, place, bytes, expected)| {
        let place = frame(jpeg) + place;
        let mut file = jpeg.to_vec();
        file[place..place + bytes.len()].copy_from_slice(bytes);
        let image = EncodedImage { file: "picture".to_owned(), bytes: file };
        let error = decode::planes(&image).unwrap_err();
        let source = std::error::Error::source(&error).expect("a source").to_string();
        assert!(source.contains(expected), "{source}, expected {expected}");
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn damaged_jpegs_have_their_shape_or_are_refused(
        pair in proptest::sample::select(PAIRS.to_vec()),
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        at_frame in proptest::option::of((0..22usize, any::<u8>())),
    ) {
        let mut file = pair.1.to_vec();
        for (place, byte) in damage {
            let len = file.len();
            file[place.index(len)] = byte;
        }
        if let Some((place, byte)) = at_frame {
            file[frame(pair.1) + place] = byte;
        }
        if let Ok((shape, bytes)) = planes(file) {
            prop_assert_eq!(bytes.len(), shape.iter().product::<usize>());
        }
    }
}
