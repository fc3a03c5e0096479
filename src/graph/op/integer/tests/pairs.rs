//! Sums, differences and products.

use super::*;

/// Pairs of integers and what the interpreter of ai-edge-litert 2.3.0 makes of them.
type Triples = [(i32, i32, i32); 8];

fn check(op: &dyn Operator, [a, b]: [Grid; 2], triples: Triples) {
    let (left, right) = (triples.map(|triple| triple.0), triples.map(|triple| triple.1));
    let found = run_flat(op, &[(&a, &left), (&b, &right)]);
    assert_eq!(found, triples.map(|triple| triple.2), "{op:?}");
}

#[test]
fn sums_are_those_of_the_interpreter() {
    let halves = [int8(0.0625, -3), int8(0.125, 4)];
    let signed = [int8(0.047, -7), int8(0.083, 11)];
    let unsigned = [uint8(0.047, 121), uint8(0.083, 139)];
    let (output, bytes) = (int8(0.12, -20), uint8(0.12, 108));
    check(
        &IntegerBinary::sum(halves, int8(0.25, 1)).unwrap(),
        halves,
        [
            (-16, -5, -7),
            (56, 34, 31),
            (91, -6, 20),
            (-20, -15, -13),
            (-91, 42, -2),
            (-128, -58, -61),
            (-47, -16, -20),
            (-22, 17, 3),
        ],
    );
    check(
        &IntegerBinary::sum(signed, output).unwrap(),
        signed,
        [
            (-28, 16, -25),
            (107, 76, 70),
            (7, 65, 23),
            (6, -57, -62),
            (-128, -58, -115),
            (-36, 22, -24),
            (-97, -40, -91),
            (-20, 5, -29),
        ],
    );
    check(
        &IntegerBinary::sum(unsigned, bytes).unwrap(),
        unsigned,
        [
            (142, 128, 109),
            (141, 150, 123),
            (255, 199, 202),
            (244, 156, 168),
            (84, 80, 53),
            (90, 121, 83),
            (13, 78, 24),
            (93, 133, 93),
        ],
    );
    check(
        &IntegerBinary::difference(halves, int8(0.25, 1)).unwrap(),
        halves,
        [
            (-15, 0, 0),
            (42, 27, 1),
            (-58, 44, -33),
            (72, -36, 40),
            (-106, -52, 3),
            (117, -35, 51),
            (-21, -5, 1),
            (-17, -3, 1),
        ],
    );
    check(
        &IntegerBinary::difference(signed, output).unwrap(),
        signed,
        [
            (0, 8, -15),
            (-61, -20, -20),
            (52, 9, 4),
            (-10, 17, -25),
            (-62, 14, -44),
            (122, 39, 11),
            (105, 83, -26),
            (-10, 24, -30),
        ],
    );
}

#[test]
fn products_are_those_of_the_interpreter() {
    let halves = [int8(0.0625, -3), int8(0.125, 4)];
    let (unsigned, bytes) = ([uint8(0.047, 121), uint8(0.083, 139)], uint8(0.12, 108));
    check(
        &IntegerBinary::product(halves, int8(0.125, 1)).unwrap(),
        halves,
        [
            (-2, -22, -1),
            (-125, -57, 127),
            (95, -15, -115),
            (-124, 69, -128),
            (-17, -33, 33),
            (46, 43, 121),
            (11, 1, -2),
            (7, -3, -3),
        ],
    );
    check(
        &IntegerBinary::product(unsigned, bytes).unwrap(),
        unsigned,
        [
            (126, 137, 108),
            (47, 97, 209),
            (100, 153, 98),
            (20, 170, 6),
            (179, 169, 165),
            (255, 215, 255),
            (158, 106, 68),
            (84, 118, 133),
        ],
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The rules in exact arithmetic, where operands broadcast.
    #[test]
    fn pairs_are_computed_by_the_rules(
        inputs in [grid(), grid()], factor in 0.25f32..8.0, zero_point in -128i32..=127, places in integers(24 + 8),
    ) {
        let of = |grid: &Grid, places: &[u8]| places.iter().map(|&place| at(grid, place)).collect::<Vec<i32>>();
        let (a, b) = (of(&inputs[0], &places[..24]), of(&inputs[1], &places[24..]));
        let (x, y) = (tensor(&inputs[0], &a, &[2, 3, 4]), tensor(&inputs[1], &b, &[2, 1, 4]));
        let operands = [(&inputs[0], &x), (&inputs[1], &y)];
        let [s_a, s_b] = inputs.map(|grid| grid.scale());
        let pairs: Vec<(i64, i64)> = (0..24).map(|i| {
            let (a, b) = (a[i], b[i / 12 * 4 + i % 4]);
            (i64::from(a - inputs[0].zero_point()), i64::from(b - inputs[1].zero_point()))
        }).collect();

        let output = int8(s_a.max(s_b) * factor, zero_point);
        let common = 2.0 * f64::from(s_a.max(s_b));
        let to_output = common / (f64::from(1 << 20) * f64::from(output.scale()));
        let side = |steps: i64, scale: f32| twice(steps << 20, f64::from(scale) / common);
        let expected = |sign: i64| -> Vec<i32> {
            let sum = |&(a, b): &(i64, i64)| side(a, s_a) + sign * side(b, s_b);
            pairs.iter().map(|pair| clamped(&output, twice(sum(pair), to_output))).collect()
        };
        prop_assert_eq!(run(&IntegerBinary::sum(inputs, output).unwrap(), &operands).0, expected(1));
        prop_assert_eq!(run(&IntegerBinary::difference(inputs, output).unwrap(), &operands).0, expected(-1));

        let output = int8((s_a * s_b * 16.0 * factor).max(1e-6), zero_point);
        let ratio = f64::from(s_a * s_b / output.scale());
        let expected: Vec<i32> = pairs.iter().map(|(a, b)| clamped(&output, twice(a * b, ratio))).collect();
        prop_assert_eq!(run(&IntegerBinary::product(inputs, output).unwrap(), &operands).0, expected);
    }
}
