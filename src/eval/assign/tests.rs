//! Rules read, matched and resolved.

use super::*;
use crate::cases::for_each_case;
use crate::graph::ValueType;
use crate::graph::op::{Linear, MatMul};
use crate::graph::pass::swap_layers;
use crate::lut::Coding;
use crate::printable::with_causes;
use candle_core::{DType, Device, Tensor};

fn rules(texts: &[&str]) -> Rules {
    Rules::new(texts.iter().map(|text| text.parse().unwrap()).collect())
}

fn read(text: &str) -> Result<Rules, RulesError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("assign.json");
    std::fs::write(&path, text).unwrap();
    Rules::read(&path)
}

/// Linear layers of these names, one behind the other; those called `qk` are products of two activations.
fn graph(names: &[&str]) -> Graph {
    let mut graph = Graph::new();
    let mut x = graph.input("input", ValueType::batch_of(&[2, 2])).unwrap();
    let mut weights = std::collections::BTreeMap::new();
    for name in names {
        if name.ends_with("qk") {
            x = graph.add_one(name, MatMul, &[x, x]).unwrap();
            continue;
        }
        let weight = graph.parameter(&format!("{name}.weight"), &[2, 2], true).unwrap();
        weights.insert(format!("{name}.weight"), Tensor::ones((2, 2), DType::F32, &Device::Cpu).unwrap());
        x = graph.add_one(name, Linear, &[x, weight]).unwrap();
    }
    graph.set_outputs(&[x]);
    graph.bind(weights).unwrap();
    swap_layers(&mut graph).unwrap();
    graph
}

fn resolve(names: &[&str], base: &str, texts: &[&str]) -> Result<Assignment, AssignError> {
    let base = format!("*:{base}").parse::<Rule>().map(|rule| rule.options).unwrap_or_default();
    Assignment::resolve(&graph(names), &base, &rules(texts), &Scheme::default(), &mut Luts::default())
}

/// The noise that a layer was given.
fn noise(layer: &LayerConfig) -> Option<LayerNoise> {
    match layer.arithmetic {
        Arithmetic::Noise(NoiseSource::Given(noise)) => Some(noise),
        _ => None,
    }
}

/// Mode, multiplier and coding of each layer.
fn told(names: &[&str], base: &str, texts: &[&str]) -> Vec<String> {
    let told = |layer: &LayerConfig| {
        let lut = layer.operand_lut().map_or("-", Lut::name);
        format!("{} {lut} {}", layer.mode(), layer.quantization.coding)
    };
    resolve(names, base, texts).unwrap().layers().iter().map(told).collect()
}

#[test]
fn patterns_are_globs_over_whole_names() {
    let cases = [
        ("conv1", "conv1", true),
        ("conv1", "conv10", false),
        ("*", "layer1.0.conv1", true),
        ("layer1.*", "layer1.0.conv1", true),
        ("layer1.*", "layer10.0.conv1", false),
        ("*.conv1", "layer1.0.conv1", true),
        ("layer?.*", "layer1/conv", false),
        ("layer?.*", "layer2.1.bn", true),
        ("layer[12].*", "layer3.0", false),
        ("{conv1,fc}", "fc", true),
        ("/a/*", "/a/b/c", true),
        // Names with the characters of globs.
        ("conv[0]", "conv[0]", true),
        ("conv#2", "conv#2", true),
    ];
    for_each_case(cases, |(pattern, name, matches)| {
        assert_eq!(pattern.parse::<Pattern>().unwrap().matches(name), matches, "{pattern} {name}");
    });
    assert!(with_causes(&"a[".parse::<Pattern>().unwrap_err()).contains("'a['"));
}

#[test]
fn the_last_match_wins_key_by_key() {
    let names = ["conv1", "conv2", "fc"];
    let cases = [
        (
            "lut=drum-4",
            &["{conv1,fc}:mode=quant"][..],
            ["quant drum-4 sign-magnitude", "approx drum-4 sign-magnitude", "quant drum-4 sign-magnitude"],
        ),
        // A multiplier implies approx for the layer that it is given to, and for no other.
        ("", &["conv2:lut=drum-4"], ["base - signed", "approx drum-4 sign-magnitude", "base - signed"]),
        ("mode=quant", &["fc:lut=exact"], ["quant - signed", "quant - signed", "approx exact sign-magnitude"]),
        (
            "mode=quant",
            &["fc:lut=exact,mode=noise"],
            ["quant - signed", "quant - signed", "noise exact sign-magnitude"],
        ),
        (
            "lut=drum-4",
            &["*:lut=drum-6", "conv*:lut=exact", "conv1:coding=affine"],
            ["approx exact affine", "approx exact sign-magnitude", "approx drum-6 sign-magnitude"],
        ),
        // A later rule for all undoes what came before.
        ("", &["conv1:mode=quant", "*:mode=base"], ["base - signed", "base - signed", "base - signed"]),
        // What has two signs follows the coding.
        (
            "lut=exact",
            &["fc:coding=signed"],
            ["approx exact sign-magnitude", "approx exact sign-magnitude", "approx exact-signed signed"],
        ),
    ];
    for_each_case(cases, |(base, texts, expected)| {
        assert_eq!(told(&names, base, texts), expected, "{base} {texts:?}");
    });
}

#[test]
fn numbers_and_widths_are_the_layers_own() {
    let texts = ["a:mode=noise,noise_std=0.25,noise_mean=-1", "b:mode=quant,act_bits=6,weight_bits=4", "c:mode=noise"];
    let assignment = resolve(&["a", "b", "c"], "noise_std=0.5", &texts).unwrap();
    let [a, b, c] = assignment.layers() else { panic!("three layers") };
    let expected = [Some(LayerNoise { stdev: 0.25, mean: -1.0 }), None, Some(LayerNoise { stdev: 0.5, mean: 0.0 })];
    assert_eq!([a, b, c].map(noise), expected);
    let widths = |layer: &LayerConfig| [layer.quantization.act_bits.get(), layer.quantization.weight_bits.get()];
    assert_eq!((widths(a), widths(b)), ([8, 8], [6, 4]));
}

/// A multiplier's noise takes the place of given noise, and the other way round.
#[test]
fn noise_is_given_or_derived() {
    let texts = ["*:noise_from_lut=udm", "b:noise_std=0.5", "c:noise_mean=1", "c:noise_from_lut=drum-4"];
    let assignment = resolve(&["a", "b", "c"], "mode=noise,noise_std=0.25", &texts).unwrap();
    let told = |layer: &LayerConfig| (noise(layer), layer.noise_lut().map(|lut| lut.name().to_owned()));
    let told: Vec<_> = assignment.layers().iter().map(told).collect();
    let half = LayerNoise { stdev: 0.5, mean: 0.0 };
    assert_eq!(told, [(None, Some("udm".to_owned())), (Some(half), None), (None, Some("drum-4".to_owned()))]);
    // The coding is that of the multiplier.
    assert_eq!(assignment.layers()[0].quantization.coding, Coding::SignMagnitude);
}

#[test]
fn a_multiplier_is_opened_once() {
    let assignment = resolve(&["a", "b"], "lut=drum-4", &["a:mode=quant", "a:mode=approx"]).unwrap();
    let [a, b] = assignment.layers() else { panic!("two layers") };
    let (Arithmetic::Approx(first), Arithmetic::Approx(second)) = (&a.arithmetic, &b.arithmetic) else {
        panic!("both multiply by it")
    };
    assert!(Arc::ptr_eq(first, second));
    assert_eq!(assignment.luts_in_use().len(), 1);
}

/// Counts go by names: the same multiplier has one, however it was named, and another its own.
#[test]
fn multipliers_of_one_name_are_told_apart() {
    let texts = ["b:lut=mitchell,coding=sign-magnitude", "c:lut=mitchell,swap_operands=true", "d:lut=drum-4"];
    let assignment = resolve(&["a", "b", "c", "d"], "lut=mitchell", &texts).unwrap();
    let names: Vec<String> = assignment.luts_in_use().iter().map(|lut| lut.name().to_owned()).collect();
    assert_eq!(names, ["mitchell", "mitchell#2", "drum-4"]);
}

#[test]
fn what_cannot_be_names_the_layer() {
    let cases = [
        ("", "b:mode=approx", ["layer 'b'", "needs a multiplier"]),
        ("", "b:lut=dram-4", ["layer 'b'", "drum-4"]),
        ("coding=signed", "b:lut=drum-4-unsigned", ["layer 'b'", "drum-4"]),
        ("coding=affine", "b:lut=exact-signed", ["layer 'b'", "needs an unsigned table"]),
    ];
    for_each_case(cases, |(base, text, parts)| {
        let error = with_causes(&resolve(&["a", "b"], base, &[text]).unwrap_err());
        assert!(parts.iter().all(|part| error.contains(part)), "{base} {text}: {error}");
    });
}

#[test]
fn a_pattern_that_matches_nothing_suggests_names() {
    let names = ["layer1.0.conv1", "layer1.0.conv2", "layer2.0.conv1", "fc"];
    let cases = [("layer1.0.conv3", "layer1.0.conv"), ("fd", "fc"), ("layer1.1.*", "layer1.0.conv")];
    for_each_case(cases, |(pattern, near)| {
        let error = resolve(&names, "", &["*:mode=base", &format!("{pattern}:mode=base")]).unwrap_err().to_string();
        let first = error.split("did you mean '").nth(1).unwrap();
        assert!(error.contains(&format!("'{pattern}'")) && first.starts_with(near), "{error}");
    });
}

#[test]
fn texts_that_are_no_rules() {
    let cases = [
        ("conv1", "PATTERN:key=value"),
        (":mode=base", "PATTERN:key=value"),
        ("conv1:mode", "PATTERN:key=value"),
        ("conv1:", "PATTERN:key=value"),
        ("conv1:mod=base", "did you mean 'mode'"),
        ("conv1:mode=fast", "base, quant, approx, noise"),
        ("conv1:coding=unary", "signed, sign-magnitude, affine"),
        ("conv1:noise_std=-1", "at least 0"),
        ("conv1:noise_std=nan", "finite"),
        ("conv1:noise_mean=inf", "finite"),
        ("conv1:act_bits=9", "2 to 8"),
        ("conv1:noise_from_lut=", "a file or a name"),
        ("conv1:noise_from_lut=udm,noise_std=0.1", "in place of"),
        ("conv1:lut=", "a file or a name"),
        ("conv1:lut=x.bin,lut_format=u17", "u17"),
        ("conv1:swap_operands=true", "requires lut"),
        ("conv[1:mode=base", "not a glob"),
    ];
    for_each_case(cases, |(text, part)| {
        let error = with_causes(&text.parse::<Rule>().unwrap_err());
        assert!(error.contains(part), "{text}: {error}");
    });
}

/// A colon may be of the name, or of the value.
#[test]
fn settings_begin_where_a_key_follows() {
    let rule: Rule = "net/conv:0:lut=c:/x.bin,mode=quant".parse().unwrap();
    assert!(rule.pattern.matches("net/conv:0"));
    assert_eq!(rule.options.lut.unwrap().lut, "c:/x.bin");
}

#[test]
fn files_say_what_texts_say() {
    let file = r#"{"schema": 1, "rules": [
        {"layers": "conv*", "lut": "x.bin", "lut_format": "bin-u16", "swap_operands": true, "noise_std": 0.1},
        {"layers": "fc", "mode": "quant", "act_bits": 6, "coding": null}]}"#;
    let texts = ["conv*:lut=x.bin,lut_format=bin-u16,swap_operands=true,noise_std=0.1", "fc:mode=quant,act_bits=6"];
    let json = |rules: &Rules| serde_json::to_value(rules).unwrap();
    assert_eq!(json(&read(file).unwrap()), json(&rules(&texts)));
    // What is written is read, also as part of a report, and says the same.
    let base = LayerOptions { coding: Some(Coding::Affine), ..LayerOptions::default() };
    let written = read(file).unwrap().with_base(base);
    let report = serde_json::json!({ "schema": 1, "config": { "assignment": written } });
    for text in [json(&written).to_string(), report.to_string()] {
        assert_eq!(json(&read(&text).unwrap()), json(&written));
    }
}

#[test]
fn files_that_hold_no_rules() {
    let cases = [
        ("", "not a JSON object"),
        ("[]", "not a JSON object"),
        ("{}", "no list \"rules\""),
        (r#"{"schema":1,"config":{"assignment":null}}"#, "no list \"rules\""),
        (r#"{"rules":[]}"#, "schema null"),
        (r#"{"schema":2,"rules":[]}"#, "schema 2"),
        (r#"{"schema":1,"rules":[{"mode":"base"}]}"#, "rule 1: no \"layers\""),
        (r#"{"schema":1,"rules":[{"layers":"a"},{"layers":"a","mode":["base"]}]}"#, "rule 2: \"mode\" is a list"),
        (r#"{"schema":1,"rules":[{"layers":"a","mode":"slow"}]}"#, "rule 1: mode is 'slow'"),
    ];
    for_each_case(cases, |(text, part)| {
        let error = with_causes(&read(text).unwrap_err());
        assert!(error.contains(part) && error.contains("assign.json"), "{text}: {error}");
    });
    assert!(with_causes(&Rules::read("nowhere.json".as_ref()).unwrap_err()).contains("nowhere.json"));
}

/// Products of two activations stay in `f32` until attention or a rule that names them says otherwise; `*` alone
/// names none, but what it says of multipliers holds for them too.
#[test]
fn products_are_named_before_they_change() {
    let names = ["fc", "attn.qk"];
    let cases: [(&str, &[&str], [&str; 2]); 14] = [
        ("lut=drum-4", &[], ["approx drum-4 sign-magnitude", "base drum-4 sign-magnitude"]),
        ("mode=quant", &[], ["quant - signed", "base - signed"]),
        ("lut=drum-4,attention=approx", &[], ["approx drum-4 sign-magnitude", "approx drum-4 sign-magnitude"]),
        ("lut=drum-4,attention=quant", &[], ["approx drum-4 sign-magnitude", "quant drum-4 sign-magnitude"]),
        ("lut=drum-4,mode=base,attention=approx", &[], ["base drum-4 sign-magnitude", "approx drum-4 sign-magnitude"]),
        ("", &["*:lut=drum-4"], ["approx drum-4 sign-magnitude", "base drum-4 sign-magnitude"]),
        ("", &["*:mode=quant"], ["quant - signed", "base - signed"]),
        ("", &["*:lut=drum-4,attention=approx"], ["approx drum-4 sign-magnitude", "approx drum-4 sign-magnitude"]),
        ("", &["*.qk:lut=drum-4"], ["base - signed", "approx drum-4 sign-magnitude"]),
        ("lut=drum-4", &["*.qk:lut=drum-6"], ["approx drum-4 sign-magnitude", "approx drum-6 sign-magnitude"]),
        ("lut=drum-4", &["attn.*:mode=quant"], ["approx drum-4 sign-magnitude", "quant drum-4 sign-magnitude"]),
        (
            "lut=drum-4,attention=approx",
            &["*.qk:mode=base"],
            ["approx drum-4 sign-magnitude", "base drum-4 sign-magnitude"],
        ),
        // `*` takes back what it may say: attention.
        (
            "lut=drum-4,attention=approx",
            &["*:attention=base"],
            ["approx drum-4 sign-magnitude", "base drum-4 sign-magnitude"],
        ),
        (
            "lut=drum-4",
            &["{fc,attn.qk}:mode=quant,attention=base"],
            ["quant drum-4 sign-magnitude", "base drum-4 sign-magnitude"],
        ),
    ];
    for_each_case(cases, |(base, texts, expected)| assert_eq!(told(&names, base, texts), expected, "{base} {texts:?}"));
}

/// What a report holds gives every layer the same again.
#[test]
fn rules_of_a_run_repeat_it() {
    let names = ["fc", "a.qk", "b.qk"];
    for_each_case(["lut=drum-4", "lut=drum-4,attention=approx", "mode=quant,attention=quant"], |base| {
        let texts = ["b.*:mode=quant"];
        let options = format!("*:{base}").parse::<Rule>().unwrap().options;
        let of_all = LayerOptions { mode: Some(options.mode()), ..options };
        let json = serde_json::to_string(&rules(&texts).with_base(of_all)).unwrap();
        let again = read(&json).unwrap();
        let again = Assignment::resolve(
            &graph(&names),
            &LayerOptions::default(),
            &again,
            &Scheme::default(),
            &mut Luts::default(),
        );
        let modes = |assignment: &Assignment| assignment.layers().iter().map(LayerConfig::mode).collect::<Vec<_>>();
        assert_eq!(modes(&again.unwrap()), modes(&resolve(&names, base, &texts).unwrap()), "{json}");
    });
}

#[test]
fn other_arithmetic_leaves_unnamed_products_alone() {
    let names = ["fc", "a.qk", "b.qk"];
    let assignment = resolve(&names, "lut=drum-4", &["b.qk:mode=approx"]).unwrap();
    let modes = |assignment: &Assignment| assignment.layers().iter().map(LayerConfig::mode).collect::<Vec<_>>();
    let (base, quant) = (InferenceMode::Baseline, InferenceMode::Quantized);
    assert_eq!(modes(&assignment.with_arithmetic(&Arithmetic::Quant)), [quant, base, quant]);
    assert_eq!(modes(&assignment.with_arithmetic(&Arithmetic::Base)), [base; 3]);
    assert_eq!(assignment.shared_mode(), Some(InferenceMode::Approximate), "of the layers with weights");
    assert_eq!(assignment.products().count(), 2);
}

proptest::proptest! {
    /// Whatever characters a name has, its pattern matches it and none like it.
    #[test]
    fn the_pattern_of_a_layer_matches_it_alone(name in "[a-c*?\\[\\]{}!,\\\\/.^-]{1,6}", other in "[a-c*?\\[\\]{}!,\\\\/.^-]{1,6}") {
        let pattern = Pattern::of_name(&name).unwrap();
        proptest::prop_assert!(pattern.matches(&name));
        let text = pattern.as_str();
        proptest::prop_assert!(other == name || text == other || !pattern.matches(&other));
        proptest::prop_assert!(text != "*");
    }
}
