//! Scopes: which layers of a network are approximate at a time.
//!
//! How much a multiplier costs in a whole network says little of where it costs that. A [`Scope`] turns one evaluation
//! into several, its [variants](Scope::variants): each layer alone, all but one, the first few, or those of a group. The
//! layers that are not in a variant multiply exactly, on the integers that the multiplier would have seen, so that what
//! differs from the variant of no layer is the multiplier's doing alone.
//!
//! A layer takes part where the evaluation itself perturbs it: by a multiplier, or by noise. Layers that rules keep in
//! `quant` or `base` stay so in every variant, and so do products of two activations that are not asked to be
//! approximate.

use crate::eval::{Assignment, LayerOptions, Pattern, PatternError, Rule, Session};
use crate::layer::{ApproxLayer, InferenceMode};
use std::fmt;
use std::str::FromStr;

/// Which layers are approximate at a time.
#[derive(Debug, Clone, PartialEq)]
pub enum Scope {
    /// All layers.
    All,
    /// Each layer alone.
    Each,
    /// All layers but one.
    AllBut,
    /// The first layer, the first two, and so on.
    Prefix,
    /// The layers whose names match a glob.
    Group(Pattern),
}

/// The names of scopes, but for groups.
const NAMES: &[&str] = &["all", "each", "all-but", "prefix"];

/// What a group's text begins with.
const GROUP: &str = "group:";

/// A text that is no scope.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScopeError {
    /// Not a scope's name.
    #[error("unknown scope '{0}': expected one of {names}, or group:PATTERN such as 'group:conv*'", names = NAMES.join(", "))]
    Name(String),
    /// A group's pattern is not a glob.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// A group that no layer is in.
    #[error("group '{pattern}' matches no layer of '{model}'; did you mean '{}'?", .similar.join("', '"))]
    NoMatch {
        /// The pattern.
        pattern: String,
        /// The network.
        model: String,
        /// The most similar names of layers, the best first.
        similar: Vec<String>,
    },
    /// A group that no layer is in which is approximate.
    #[error(
        "group '{pattern}' matches only layers of '{model}' that are exact in every scope: rules, or the mode of attention, keep them so"
    )]
    Exact {
        /// The pattern.
        pattern: String,
        /// The network.
        model: String,
    },
}

impl ScopeError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        &["scope"]
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        if let Some(pattern) = text.strip_prefix(GROUP).filter(|pattern| !pattern.is_empty()) {
            return Ok(Scope::Group(pattern.parse()?));
        }
        let scopes = [Scope::All, Scope::Each, Scope::AllBut, Scope::Prefix];
        let named = scopes.into_iter().find(|scope| scope.name() == text);
        named.ok_or_else(|| ScopeError::Name(text.to_owned()))
    }
}

impl fmt::Display for Scope {
    /// As it is read.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Scope::Group(pattern) => write!(f, "{GROUP}{}", pattern.as_str()),
            _ => f.write_str(self.name()),
        }
    }
}

/// A layer, as a scope sees it.
#[derive(Debug, Clone, PartialEq)]
struct Layer {
    name: String,
    /// Whether the evaluation perturbs it.
    takes_part: bool,
}

/// An evaluation in which some layers are approximate.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// The scope's name, a group's without its pattern.
    pub scope: &'static str,
    /// The layer that it is about: the one that is approximate alone or not at all, the last of a prefix, or a group's
    /// pattern; `None` of all.
    pub layer: Option<String>,
    /// The rules that make the others exact, after those of the evaluation.
    pub rules: Vec<Rule>,
    /// The place in the network, among all layers, of the first layer that is approximate here and exact in other
    /// variants of the scope, or the other way round: all before it compute the same in variants of later layers.
    pub first: Option<usize>,
    /// The approximate layers, by their places.
    pub approximate: Vec<usize>,
}

impl Scope {
    /// Its name, a group's without its pattern.
    pub fn name(&self) -> &'static str {
        match self {
            Scope::All => "all",
            Scope::Each => "each",
            Scope::AllBut => "all-but",
            Scope::Prefix => "prefix",
            Scope::Group(_) => "group",
        }
    }

    /// The variants of the evaluation that `session` is configured for, in the order of the network. An evaluation that
    /// perturbs no layer is itself its only variant, of all layers.
    ///
    /// # Errors
    /// When no layer is in a group.
    pub fn variants(&self, session: &Session) -> Result<Vec<Variant>, ScopeError> {
        self.of_layers(&layers(session, session.assignment()), &session.model().name)
    }

    fn of_layers(&self, layers: &[Layer], model: &str) -> Result<Vec<Variant>, ScopeError> {
        let taking_part: Vec<usize> = (0..layers.len()).filter(|&i| layers[i].takes_part).collect();
        let variant = |layer: Option<&str>, first: Option<usize>, is_in: &dyn Fn(usize) -> bool| {
            let (approximate, exact): (Vec<usize>, Vec<usize>) = taking_part.iter().partition(|&&i| is_in(i));
            let rules = exact.iter().map(|&i| exact_rule(&layers[i].name)).collect::<Result<_, _>>()?;
            Ok::<_, ScopeError>(Variant {
                scope: self.name(),
                layer: layer.map(str::to_owned),
                rules,
                first,
                approximate,
            })
        };
        let one_by_one = |is_in: &dyn Fn(usize, usize) -> bool| {
            let of = |&at: &usize| variant(Some(&layers[at].name), Some(at), &|i| is_in(i, at));
            taking_part.iter().map(of).collect()
        };
        match self {
            _ if taking_part.is_empty() => {
                Ok(vec![Variant { scope: Scope::All.name(), ..variant(None, None, &|_| true)? }])
            }
            Scope::All => Ok(vec![variant(None, None, &|_| true)?]),
            Scope::Each => one_by_one(&|i, at| i == at),
            Scope::AllBut => one_by_one(&|i, at| i != at),
            Scope::Prefix => one_by_one(&|i, at| i <= at),
            Scope::Group(pattern) => {
                let is_in = |i: usize| pattern.matches(&layers[i].name);
                let (text, model) = (pattern.as_str(), model.to_owned());
                if !(0..layers.len()).any(is_in) {
                    let names: Vec<String> = layers.iter().map(|layer| layer.name.clone()).collect();
                    let similar = pattern.similar(&names);
                    return Err(ScopeError::NoMatch { pattern: text.to_owned(), model, similar });
                }
                let Some(&first) = taking_part.iter().find(|&&i| is_in(i)) else {
                    return Err(ScopeError::Exact { pattern: text.to_owned(), model });
                };
                Ok(vec![variant(Some(text), Some(first), &is_in)?])
            }
        }
    }
}

/// The layers of a session's network, and which of them `assignment` perturbs.
fn layers(session: &Session, assignment: &Assignment) -> Vec<Layer> {
    let perturbs = |mode| matches!(mode, InferenceMode::Approximate | InferenceMode::Noise);
    let layers = session.model().graph.layers().map(ApproxLayer::name).zip(assignment.layers());
    layers.map(|(name, config)| Layer { name: name.to_owned(), takes_part: perturbs(config.mode()) }).collect()
}

/// The rule by which a layer multiplies exactly.
fn exact_rule(name: &str) -> Result<Rule, PatternError> {
    let options = LayerOptions { mode: Some(InferenceMode::Quantized), ..LayerOptions::default() };
    Ok(Rule { pattern: Pattern::of_name(name)?, options })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use crate::eval::{Experiment, LutSpec, Rules};
    use crate::lut::SHIPPED;
    use crate::model::Model;

    fn layers(text: &str) -> Vec<Layer> {
        let layer = |name: &str| match name.strip_prefix('!') {
            Some(name) => Layer { name: name.to_owned(), takes_part: false },
            None => Layer { name: name.to_owned(), takes_part: true },
        };
        text.split(' ').map(layer).collect()
    }

    /// Layer and approximate layers of each variant, and the layer before which all is shared.
    fn variants(scope: &str, text: &str) -> Result<Vec<String>, ScopeError> {
        let scope: Scope = scope.parse()?;
        let layers = layers(text);
        let name = |i: &usize| layers[*i].name.as_str();
        let shown = |variant: Variant| {
            let approximate: Vec<&str> = variant.approximate.iter().map(name).collect();
            let exact: Vec<String> = variant.rules.iter().map(|rule| rule.pattern.as_str().to_owned()).collect();
            let first = variant.first.map_or("-", |first| name(&first));
            let layer = variant.layer.as_deref().unwrap_or("-");
            format!("{} {layer}: {} without {} from {first}", variant.scope, approximate.join(" "), exact.join(" "))
        };
        Ok(scope.of_layers(&layers, "net")?.into_iter().map(shown).collect())
    }

    #[test]
    fn every_scope_has_its_layers() {
        let cases: [(&str, &str, &[&str]); 8] = [
            ("all", "a b c", &["all -: a b c without  from -"]),
            (
                "each",
                "a !x b c",
                &["each a: a without b c from a", "each b: b without a c from b", "each c: c without a b from c"],
            ),
            (
                "all-but",
                "a !x b c",
                &[
                    "all-but a: b c without a from a",
                    "all-but b: a c without b from b",
                    "all-but c: a b without c from c",
                ],
            ),
            (
                "prefix",
                "a !x b c",
                &[
                    "prefix a: a without b c from a",
                    "prefix b: a b without c from b",
                    "prefix c: a b c without  from c",
                ],
            ),
            ("group:[bc]", "a b !x c", &["group [bc]: b c without a from b"]),
            ("group:*", "a !b", &["group *: a without  from a"]),
            ("each", "!a !b", &["all -:  without  from -"]),
            ("each", "a", &["each a: a without  from a"]),
        ];
        for_each_case(cases, |(scope, layers, expected)| assert_eq!(variants(scope, layers).unwrap(), expected));
        let message = |scope: &str, layers: &str| variants(scope, layers).unwrap_err().to_string();
        assert!(message("group:convv*", "conv1 fc").contains("did you mean 'conv1'"));
        assert!(message("group:x", "a !x").contains("exact in every scope"));
        for text in ["some", "", "group", "group:", "ALL", "each,all"] {
            assert!(message(text, "a").contains(&format!("'{text}'")), "{text}");
        }
        assert!(message("group:[", "a").contains('['));
    }

    /// On a network, the rules give the multiplier to the layers of a variant and leave all others what they are.
    #[test]
    fn rules_of_variants_decide_the_mode_alone() {
        let model = Model::open("vit_micro").unwrap();
        let lut = SHIPPED.iter().find(|name| name.ends_with("signed")).unwrap();
        let layers = LayerOptions {
            lut: Some(LutSpec::new(*lut)),
            attention: Some(InferenceMode::Approximate),
            ..LayerOptions::default()
        };
        let rules = Rules::new(vec!["head:mode=base".parse().unwrap()]);
        let limit = 1.try_into().ok();
        let experiment = Experiment { layers: layers.clone(), rules: rules.clone(), limit, ..Experiment::new(model) };
        let mut session = Session::open(experiment).unwrap();
        let all = session.assignment().clone();
        let taking_part = all.layers().iter().filter(|layer| layer.mode() == InferenceMode::Approximate).count();
        assert!(taking_part < all.layers().len() && all.products().count() > 0);
        let variants = Scope::Each.variants(&session).unwrap();
        assert_eq!(variants.len(), taking_part);
        for variant in variants {
            let mut rules = rules.clone();
            rules.extend(variant.rules);
            let assignment = session.assign(&layers, &rules).unwrap();
            for (i, (found, full)) in assignment.layers().iter().zip(all.layers()).enumerate() {
                let expected = match full.mode() {
                    InferenceMode::Approximate if variant.approximate != [i] => InferenceMode::Quantized,
                    mode => mode,
                };
                assert_eq!(found.mode(), expected, "{:?}, layer {i}", variant.layer);
                assert_eq!(found.quantization, full.quantization);
                assert_eq!(
                    found.operand_lut().map(crate::lut::Lut::name),
                    full.operand_lut().map(crate::lut::Lut::name)
                );
            }
        }
    }
}
