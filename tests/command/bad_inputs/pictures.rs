//! Pictures that are damaged, and those that are too large for all threads at once.

use super::{damaged, each_content_is_refused};
use crate::common::Folder;
use crate::common::pictures::{gray_jpeg, gray_png, idat, ihdr, png};
use crate::common::random::Random;

const LIST: &str = "-d val.txt --data-format list --channels gray --resize 28 --crop 28";

/// A list of `a.png` and `a.jpg`, each to be written by a test.
fn listed(name: &str) -> Folder {
    let folder = Folder::new();
    folder.write("val.txt", format!("{name} 3\n"));
    folder
}

#[test]
fn damaged_pictures() {
    let png = gray_png(28, &Random::new(7).bytes(784));
    each_content_is_refused(
        &listed("a.png"),
        "a.png",
        LIST,
        damaged(&png).into_iter().filter(|(file, _)| file.len() != png.len() - 1),
    );
    each_content_is_refused(&listed("a.jpg"), "a.jpg", LIST, damaged(&gray_jpeg(28, 28)));
    // What comes later in a set is found too, and nothing is left of what came before.
    let folder = listed("a.png");
    folder.write("a.png", &png);
    folder.write("b.png", &png[..png.len() - 20]);
    folder.write("val.txt", "a.png 1\nb.png 2\n");
    folder.refuses_in_bounds(&format!("{LIST} -b 1 -o r.json --predictions p.csv"), &["b.png"]);
}

#[test]
fn pictures_whose_chunks_lie() {
    let rows = |width: usize, height: usize| idat(&vec![&vec![1; width][..]; height]);
    let picture =
        |header: &[u8], chunks: &[(&str, &[u8])]| png(&[&[("IHDR", header)], chunks, &[("IEND", &[])]].concat());
    let palette = ihdr(28, 28, 8, 3);
    let gray = ihdr(28, 28, 8, 0);
    let data = rows(28, 28);
    let cases = [
        // A palette of four bytes: colors have three each.
        (picture(&palette, &[("PLTE", &[1, 2, 3, 4]), ("IDAT", &data)]), ""),
        (picture(&palette, &[("PLTE", &[]), ("IDAT", &data)]), ""),
        (picture(&palette, &[("PLTE", &[0; 3000]), ("IDAT", &data)]), ""),
        (picture(&palette, &[("IDAT", &data)]), ""),
        (picture(&gray, &[]), ""),
        (picture(&gray, &[("IDAT", &rows(28, 27))]), ""),
        (picture(&gray, &[("IDAT", b"no stream")]), ""),
        (picture(&ihdr(0, 28, 8, 0), &[("IDAT", &data)]), ""),
        (picture(&ihdr(28, 28, 3, 0), &[("IDAT", &data)]), ""),
        (picture(&ihdr(28, 28, 8, 5), &[("IDAT", &data)]), ""),
        (picture(&gray[..12], &[("IDAT", &data)]), ""),
        // Four gigapixels in a hundred bytes.
        (picture(&ihdr(65_535, 65_535, 8, 2), &[("IDAT", &data)]), ""),
        (picture(&ihdr(u32::MAX, u32::MAX, 16, 6), &[("IDAT", &data)]), ""),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;".to_vec(), ""),
        (b"BM\x3a\x00\x00\x00\x00\x00".to_vec(), ""),
    ];
    each_content_is_refused(&listed("a.png"), "a.png", LIST, cases);
}

#[test]
fn jpegs_whose_segments_lie() {
    let whole = gray_jpeg(28, 28);
    let frame = whole.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    let scan = whole.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
    let with = |at: usize, bytes: &[u8]| {
        let mut file = whole.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    let cases = [
        (with(frame + 4, &[12]), ""),
        (with(frame + 5, &[0xff, 0xff, 0xff, 0xff]), ""),
        (with(frame + 5, &[0, 0]), ""),
        (with(frame + 7, &[0, 0]), ""),
        (with(frame + 9, &[5]), ""),
        (with(frame + 2, &[0xff, 0xff]), ""),
        (whole[..scan].to_vec(), ""),
        ([&whole[..2], &whole[scan..]].concat(), ""),
    ];
    each_content_is_refused(&listed("a.jpg"), "a.jpg", LIST, cases);
}

/// Sixteen pictures of 300 MB each on sixteen threads: decoded one after the other, they fit.
#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn large_pictures_share_their_memory() {
    let folder = Folder::new();
    let row = vec![200; 10_000];
    folder.write(
        "large.png",
        png(&[("IHDR", &ihdr(10_000, 10_000, 8, 0)), ("IDAT", &idat(&vec![&row[..]; 10_000])), ("IEND", &[])]),
    );
    folder.write("val.txt", "large.png 1\n".repeat(16));
    let args = format!("ulimit -v 4000000; exec approx-eval {LIST} -j 16 -b 16 --format csv");
    let run: crate::common::Run = folder.shell(&args).env("MALLOC_ARENA_MAX", "2").output().unwrap().into();
    assert_eq!(run.code, Some(0), "{run:?}");
}
