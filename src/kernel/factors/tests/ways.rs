//! The ways that kernels take, and what is kept of a search.

use super::*;
use crate::cases::for_each_case;
use crate::kernel::{KERNELS, Kernel, Scalar, WeightMatrix};

/// The way that is chosen, in words.
fn way(kernel: &dyn Kernel, term: fn(i32, i32) -> i32) -> String {
    let table = EffectiveTable::from_fn(Signedness::Unsigned, Signedness::Signed, term);
    let bytes = bytes_of(-127..=127);
    let weights = WeightMatrix::new(&bytes, 51);
    choose(kernel, &table, weights, &all_bytes()).describe(kernel, &table, weights)
}

#[test]
fn every_kernel_multiplies_where_one_product_will_do() {
    for_each_case(KERNELS.iter().map(|kernel| kernel.name()), |name| {
        let kernel = KERNELS.iter().find(|kernel| kernel.name() == name).unwrap();
        let words = [way(*kernel, |a, w| (a & !3) * w), way(*kernel, |_, w| 9 * w)];
        assert!(words[0].starts_with("1 product of mapped "), "{}", words[0]);
        assert_eq!(words[1], "offsets alone");
    });
}

#[test]
fn every_kernel_looks_up_what_is_no_short_sum() {
    for_each_case(KERNELS.iter().map(|kernel| kernel.name()), |name| {
        let kernel = KERNELS.iter().find(|kernel| kernel.name() == name).unwrap();
        let way = way(*kernel, |a, w| a * w + (a * a * 31 + w * w * w * 7) % 1013);
        assert!(way.contains("looked-up plane"), "{way}");
    });
}

/// Looking up is as fast as a product or two without instructions for either.
#[test]
fn several_products_pay_for_some_kernels_only() {
    let term: fn(i32, i32) -> i32 = |a, w| a * w + (a & 0b11) * (w & 0b101) * 16 + (a >> 6) * (w & 0b1_0010);
    assert!(way(&Scalar, term).contains("looked-up plane"));
    let fastest = KERNELS.iter().find(|kernel| kernel.name() == "avx512vbmi");
    if let Some(kernel) = fastest {
        let way = way(*kernel, term);
        assert!(way.starts_with("3 products of mapped "), "{way}");
    }
}

#[test]
fn all_weights_of_a_range_take_one_product() {
    let table = EffectiveTable::from_fn(Signedness::Signed, Signedness::Signed, |a, w| (a >> 1) * (w >> 1));
    for_each_case(KERNELS.iter().map(|kernel| kernel.name()), |name| {
        let kernel = KERNELS.iter().find(|kernel| kernel.name() == name).unwrap();
        let weights = bytes_of(-127..=127);
        let way = choose(*kernel, &table, WeightMatrix::new(&weights, weights.len()), &bytes_of(-127..=127));
        let found = match way {
            Way::Bytes(sum, _) => sum.terms.len(),
            Way::Words(sum, _) => sum.terms.len(),
            Way::LookUps => 0,
        };
        assert_eq!(found, 1);
    });
}

#[test]
fn layers_share_what_was_found() {
    // No other test has this table.
    let table =
        EffectiveTable::from_fn(Signedness::Signed, Signedness::Signed, |a, w| (a & !1) * w + (a & 1) * (w & !15) * 5);
    let all = bytes_of(-127..=127);
    let find = |weights: &[u8]| Lowered::<u8, i8>::find(&table, weights, &all, 8).unwrap();
    let first = find(&all);
    assert_eq!(first.terms.len(), 2);
    // Weights of the same rank, of another layer.
    assert!(std::sync::Arc::ptr_eq(&first, &find(&bytes_of(-90..=100))));
    // Below 16, and not negative, odd activations add nothing.
    let own = find(&bytes_of(0..=15));
    assert_eq!(own.terms.len(), 1);
    assert_sums(&own, &table, &bytes_of(0..=15), &all);
    assert!(std::sync::Arc::ptr_eq(&first, &find(&all)));
}
