//! Adaptive averages and constant multiples.

use super::*;

/// PyTorch's windows, found by testing every position: `floor(i s / n) <= p < ceil((i + 1) s / n)`.
fn is_inside(position: usize, window: usize, windows: usize, size: usize) -> bool {
    let [position, window, windows, size] = [position, window, windows, size].map(|x| x as f64);
    (window * size / windows).floor() <= position && position < ((window + 1.0) * size / windows).ceil()
}

#[test]
fn adaptive_averages_are_pytorchs() {
    // Sizes that divide, sizes that do not, and more windows than positions.
    let cases = [([8, 6], [4, 3]), ([7, 7], [3, 2]), ([13, 5], [6, 6]), ([1, 3], [7, 7]), ([6, 6], [6, 6])];
    for_each_case(cases, |([height, width], output)| {
        let x = random(5, &[2, 3, height, width]);
        let expected = tabulate(&[2, 3, output[0], output[1]], |index| {
            let rows = (0..height).filter(|&y| is_inside(y, index[2], output[0], height));
            let pixels = rows.flat_map(|y| (0..width).map(move |x| (y, x)));
            let pixels: Vec<f64> = pixels
                .filter(|&(_, x)| is_inside(x, index[3], output[1], width))
                .map(|(row, column)| f64::from(at(&x, &[index[0], index[1], row, column])))
                .collect();
            (pixels.iter().sum::<f64>() / pixels.len() as f64) as f32
        });
        assert_eq!(values(&run(&AdaptiveAveragePool { output }, &[&x])), expected, "{height} x {width} to {output:?}");
    });
    for (input, output) in [([1, 1, 0, 4], [2, 2]), ([1, 1, 4, 4], [0, 2])] {
        assert!(AdaptiveAveragePool { output }.infer(&[&ValueType::fixed(&input)]).is_err());
    }
}

#[test]
fn scale_is_one_multiplication() {
    let x = random(6, &[3, 5]);
    let expected: Vec<f32> = values(&x).iter().map(|x| x * 0.3).collect();
    assert_eq!(values(&run(&Scale { factor: 0.3 }, &[&x])), expected);
}
