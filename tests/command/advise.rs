//! One page on one multiplier, against the evaluations that it is made of.

use crate::common::{Folder, integer, number, text};
use serde_json::Value;

/// The layers of a page that have to stay exact, as a pattern.
fn exact_layers(advice: &Value) -> String {
    let names = advice["mixed"]["exact_layers"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
    format!("{{{}}}", names.collect::<Vec<_>>().join(","))
}

fn sentences(advice: &Value) -> Vec<&str> {
    advice["advice"].as_array().unwrap().iter().map(|sentence| sentence.as_str().unwrap()).collect()
}

#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn a_page_is_made_of_evaluations() {
    let folder = Folder::new();
    let advice = folder.json("advise etm --limit 400 --max-drop 0.02");
    assert_eq!((text(&advice, "/kind"), integer(&advice, "/all/samples")), ("advise", 400));
    let quant = folder.json("--mode quant --coding sign-magnitude --limit 400");
    let all = folder.json("--lut etm --limit 400");
    assert_eq!(number(&advice, "/exact/top1"), number(&quant, "/accuracy/top1"));
    assert_eq!(number(&advice, "/all/top1"), number(&all, "/accuracy/top1"));
    let drop = number(&quant, "/accuracy/top1") - number(&all, "/accuracy/top1");
    assert!((number(&advice, "/all/drop") - drop).abs() < 1e-12 && drop > 0.02, "etm is a bad one: {drop}");
    assert_eq!(advice["cost"]["relative_energy"], all["cost"]["relative_energy"]);

    // Each layer alone, the most sensitive first.
    let layers = advice["layers"].as_array().unwrap();
    let drops: Vec<f64> = layers.iter().map(|layer| number(layer, "/alone/drop")).collect();
    assert!(drops.is_sorted_by(|a, b| a >= b) && layers.len() == 5, "{drops:?}");
    let first = text(&layers[0], "/name");
    let alone = folder.json(&format!("--lut etm --mode quant --limit 400 --set {first}:mode=approx"));
    assert_eq!(number(&layers[0], "/alone/top1"), number(&alone, "/accuracy/top1"));

    // Those that stay exact bring it within the bound, for the energy that is stated; none of them is left out.
    let pattern = exact_layers(&advice);
    let mixed = folder.json(&format!("--lut etm --limit 400 --set {pattern}:mode=quant"));
    assert_eq!(number(&advice, "/mixed/found/top1"), number(&mixed, "/accuracy/top1"));
    assert!(number(&advice, "/mixed/found/drop") <= 0.02);
    let energy = [number(&advice, "/mixed/relative_energy"), number(&mixed, "/cost/relative_energy")];
    assert!((energy[0] - energy[1]).abs() < 1e-9, "{energy:?}");
    let stays = layers.iter().filter(|layer| layer["stays_exact"] == true).count();
    assert_eq!(stays, advice["mixed"]["exact_layers"].as_array().unwrap().len());

    // Accumulators and products, over the first samples.
    let few = folder.json("--lut etm --limit 64 --acc-bits auto");
    let widths = few["layers"].as_array().unwrap().iter().map(|layer| integer(layer, "/accumulator/bits_needed"));
    assert_eq!(widths.max(), Some(integer(&advice, "/accumulators/bits_needed")));
    let products = advice["products"].as_array().unwrap();
    assert_eq!((products.len(), integer(&advice, "/counted_samples")), (10, 64));
    let share = |product: &Value| number(product, "/share");
    assert!(products.is_sorted_by(|a, b| share(a) >= share(b)) && products.iter().map(share).sum::<f64>() <= 1.0);
    for product in products {
        let [a, b] = ["/operands/0", "/operands/1"].map(|at| product.pointer(at).unwrap().as_i64().unwrap());
        assert_eq!(product["exact"].as_i64(), Some(a * b));
        assert_ne!(product["product"], product["exact"]);
    }
    assert!(sentences(&advice)[1].starts_with("do not use it in every layer as it is"), "{:?}", sentences(&advice));
}

/// What a correction recovers is what the command of that name writes.
#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn a_correction_is_that_of_correct() {
    let folder = Folder::new();
    let advice = folder.json("advise truncated-8 --limit 300");
    folder.run_to(0, "correct --lut truncated-8 -o corrected");
    let corrected = folder.json("--model corrected --lut truncated-8 --limit 300");
    assert_eq!(number(&advice, "/corrected/found/top1"), number(&corrected, "/accuracy/top1"));
    let without = folder.json("advise truncated-8 --limit 300 --no-correction");
    assert_eq!(without["corrected"], Value::Null);
    assert_eq!(without["all"], advice["all"]);
}

/// Products of two activations are studied as they are asked for.
#[test]
#[ignore = "takes long: .ci/heavy runs it"]
fn attention_is_part_of_a_page_where_it_is_approximate() {
    let folder = Folder::new();
    let run = |mode: &str| {
        let report = folder.json(&format!("-m vit_micro -l truncated-8 -n 100 --attention {mode}"));
        number(&report, "/accuracy/top1")
    };
    assert_ne!(run("approx"), run("quant"));
    let advice = folder.json("advise truncated-8 -m vit_micro -n 100 --attention approx");
    let layers = advice["layers"].as_array().unwrap();
    assert!(layers.iter().any(|layer| text(layer, "/name").contains(".attn.qk")), "{layers:?}");
    assert_eq!(number(&advice, "/all/top1"), run("approx"));
    let exact = folder.json("-m vit_micro --mode quant --attention quant --coding sign-magnitude -n 100");
    assert_eq!(number(&advice, "/exact/top1"), number(&exact, "/accuracy/top1"));
    let corrected = &advice["corrected"]["found"];
    let drop = number(&exact, "/accuracy/top1") - number(corrected, "/top1");
    assert!((number(corrected, "/drop") - drop).abs() < 1e-12);
}

#[test]
fn a_good_multiplier_is_used_everywhere() {
    let folder = Folder::new();
    let run = folder.run_to(0, "advise drum-6 --limit 300 --no-correction -o page.json -o page.md");
    assert!(run.words().contains("use it in every layer: top-1 accuracy"), "{run:?}");
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 80), "{run:?}");
    let advice = folder.read_json("page.json");
    assert_eq!(advice["mixed"], Value::Null);
    assert!(String::from_utf8(folder.read("page.md")).unwrap().contains("drum-6 for lenet5"));
}

#[test]
fn what_there_is_no_advice_on() {
    let folder = Folder::new();
    folder.refuses("advise dram-6", &["dram-6", "drum-6"]);
    folder.refuses("advise drum-6 --max-drop 0", &["--max-drop", "above 0"]);
    folder.refuses("advise drum-6-signed --coding affine", &["drum-6-signed"]);
    folder.refuses("advise drum-6 --set *:mode=quant --limit 10", &["layer"]);
}
