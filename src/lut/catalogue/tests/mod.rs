use super::*;
use crate::cases::for_each_case;
use crate::kernel::Signedness;
use crate::lut::design::{Design, FAMILIES, resolve};
use crate::lut::{Lut, LutFormat, OpenOptions, open};
use rayon::prelude::*;

fn names(lut: &Lut) -> Vec<(String, Release)> {
    recognize(lut).iter().map(|entry| (entry.name.clone(), entry.release)).collect()
}

#[test]
fn which_designs_are_circuits() {
    let designs: Vec<Design> = FAMILIES.iter().flat_map(|family| family.designs()).collect();
    let found =
        designs.par_iter().map(|design| (design, recognize(&design.lut()))).filter(|(_, found)| !found.is_empty());
    let found: Vec<String> = found.map(|(design, found)| format!("(\"{}\", \"{design}\"),", found[0].name)).collect();
    panic!("{}", found.join("\n"));
}
