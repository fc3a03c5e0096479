//! Rules: options of the layers that a pattern matches, and their two text forms.
//!
//! On the command line a rule is `PATTERN:key=value,...`; a file holds a list of them:
//!
//! ```json
//! {"schema": 1, "rules": [
//!     {"layers": "layer3.*", "lut": "drum-4"},
//!     {"layers": "{conv1,fc}", "mode": "quant"}
//! ]}
//! ```
//!
//! A JSON report of a run with rules is such a file too: its `config.assignment` is read.

use super::{AssignError, LayerOptions, LayerOptionsError, is_product};
use crate::graph::Graph;
use crate::input;
use crate::layer::{ApproxLayer, InferenceMode};
use globset::{GlobBuilder, GlobSet};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Bytes of the largest file that is read: a report of a million layers.
const LARGEST: u64 = 1 << 30;

/// The only schema so far.
const SCHEMA: u64 = 1;

/// A glob over layer names: `*` is any text, dots included (alone, it does not make products of two activations
/// other than what they are by default), `?` a character, `[a-c]` one of a range,
/// `{a,b}` one of several. A name itself matches, whatever characters it has.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    glob: GlobSet,
}

/// Bytes of the longest pattern: one that names hundreds of layers.
const LONGEST_PATTERN: usize = 10_000;

/// Text that is not a glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// The syntax is wrong, or too much for the matcher.
    #[error("pattern '{text}' is not a glob")]
    Syntax {
        /// The text.
        text: String,
        /// Why.
        #[source]
        source: globset::Error,
    },
    /// It is too long to be matched.
    #[error("pattern '{text}' has {} bytes, expected at most {LONGEST_PATTERN}: give several rules", .text.len())]
    Length {
        /// The text.
        text: String,
    },
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.len() > LONGEST_PATTERN {
            return Err(PatternError::Length { text: text.to_owned() });
        }
        let wrong = |source| PatternError::Syntax { text: text.to_owned(), source };
        let glob = GlobBuilder::new(text).build().map_err(wrong)?;
        // A set of one: unlike a matcher, it returns what the compiler of expressions says.
        let glob = GlobSet::builder().add(glob).build().map_err(wrong)?;
        Ok(Pattern { text: text.to_owned(), glob })
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl Pattern {
    /// The pattern that matches the layer called `name` alone.
    ///
    /// # Errors
    /// When the name is too long for a pattern.
    pub fn of_name(name: &str) -> Result<Self, PatternError> {
        let literal = |c: char| if "*?[]{}\\".contains(c) { format!("[{c}]") } else { c.to_string() };
        name.chars().map(literal).collect::<String>().parse()
    }

    /// It as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches a layer of that name.
    pub fn matches(&self, name: &str) -> bool {
        self.text == name || self.glob.is_match(name)
    }

    /// Whether it is `*` alone, which means every layer with weights: products of two activations are matched by
    /// patterns that say more.
    fn is_every(&self) -> bool {
        self.text == "*"
    }

    /// Up to three of `names`, the most similar first.
    pub(crate) fn similar(&self, names: &[String]) -> Vec<String> {
        let plain: String = self.text.chars().filter(|c| !"*?[]{}".contains(*c)).collect();
        let mut scored: Vec<(f64, &String)> =
            names.iter().map(|name| (strsim::jaro_winkler(&plain, name), name)).collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        scored.into_iter().take(3).map(|(_, name)| name.clone()).collect()
    }
}

/// Options of the layers that a pattern matches.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rule {
    /// The layers.
    #[serde(rename = "layers")]
    pub pattern: Pattern,
    /// Their options.
    #[serde(flatten)]
    pub options: LayerOptions,
}

/// Text that is not a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// No pattern before the options.
    #[error("'{0}' is not of the form PATTERN:key=value,...")]
    Form(String),
    /// The pattern is not a glob.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// An option is invalid.
    #[error(transparent)]
    Options(#[from] LayerOptionsError),
    /// A rule of a file names no layers.
    #[error("no \"layers\", expected a pattern of layer names")]
    Layers,
    /// A value of a file that no option can have.
    #[error("\"{0}\" is a list or an object, expected a text, a number or a boolean")]
    Nested(String),
}

impl FromStr for Rule {
    type Err = RuleError;

    /// Reads `PATTERN:key=value,...`. Names may have colons: the options begin after the first one
    /// that a key follows.
    fn from_str(text: &str) -> Result<Self, RuleError> {
        let form = || RuleError::Form(text.to_owned());
        let colons: Vec<usize> = text.match_indices(':').map(|(at, _)| at).collect();
        let key_follows = |at: &usize| {
            text[at + 1..].split_once('=').is_some_and(|(key, _)| LayerOptions::keys().any(|known| known == key.trim()))
        };
        let at = *colons.iter().find(|at| key_follows(at)).or(colons.first()).ok_or_else(form)?;
        let (pattern, options) = (&text[..at], &text[at + 1..]);
        if pattern.is_empty() {
            return Err(form());
        }
        let pairs = options.split(',').map(|pair| pair.split_once('=').map(|(key, value)| (key.trim(), value)));
        let pairs = pairs.collect::<Option<Vec<_>>>().ok_or_else(form)?;
        Ok(Rule { pattern: pattern.parse()?, options: LayerOptions::parse(pairs)? })
    }
}

impl Rule {
    /// Reads a rule of a file.
    pub(super) fn from_json(object: &Map<String, Value>) -> Result<Self, RuleError> {
        let pattern = object.get("layers").and_then(Value::as_str).ok_or(RuleError::Layers)?;
        let mut pairs = Vec::new();
        for (key, value) in object.iter().filter(|(key, value)| *key != "layers" && !value.is_null()) {
            pairs.push((key.as_str(), text(value).ok_or_else(|| RuleError::Nested(key.clone()))?));
        }
        let pairs = pairs.iter().map(|(key, value)| (*key, value.as_str()));
        Ok(Rule { pattern: pattern.parse()?, options: LayerOptions::parse(pairs)? })
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Rules in the order in which they apply.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Rules {
    schema: u64,
    rules: Vec<Rule>,
}

/// Why a file's rules cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RulesError {
    /// The file is not there or not readable.
    #[error("{}: cannot read the assignment", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The text is not JSON.
    #[error("{}: not a JSON object", .path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// The object has no rules.
    #[error("{}: no list \"rules\" of objects, neither its own nor a report's config.assignment", .path.display())]
    NoRules {
        /// The file.
        path: PathBuf,
    },
    /// Another schema.
    #[error("{}: schema {found}, expected {SCHEMA}", .path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: Value,
    },
    /// A rule is invalid.
    #[error("{}: rule {number}", .path.display())]
    Rule {
        /// The file.
        path: PathBuf,
        /// Its place, from 1.
        number: usize,
        /// Why.
        #[source]
        source: RuleError,
    },
}

impl Rules {
    /// These rules.
    pub fn new(rules: Vec<Rule>) -> Self {
        Rules { schema: SCHEMA, rules }
    }

    /// Reads a file of rules, or those of a report.
    ///
    /// # Errors
    /// Names the file and the rule.
    pub fn read(path: &Path) -> Result<Self, RulesError> {
        match input::read(path, LARGEST) {
            Ok(bytes) => Self::parse(path, &bytes),
            Err(source) => Err(RulesError::Read { path: path.to_owned(), source }),
        }
    }

    /// Reads the bytes of such a file, which messages call `path`.
    ///
    /// # Errors
    /// Names the rule.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, RulesError> {
        let path = path.to_owned();
        let json: Map<String, Value> = match serde_json::from_slice(bytes) {
            Ok(json) => json,
            Err(source) => return Err(RulesError::Parse { path, source }),
        };
        let of_report = || json.get("config")?.get("assignment")?.as_object();
        let object = if json.contains_key("rules") { &json } else { of_report().unwrap_or(&json) };
        let objects = object.get("rules").and_then(Value::as_array);
        let objects = objects.and_then(|rules| rules.iter().map(Value::as_object).collect::<Option<Vec<_>>>());
        let Some(objects) = objects else { return Err(RulesError::NoRules { path }) };
        let found = object.get("schema").cloned().unwrap_or(Value::Null);
        if found.as_u64() != Some(SCHEMA) {
            return Err(RulesError::Schema { path, found });
        }
        let rules = objects.into_iter().enumerate().map(|(i, object)| {
            Rule::from_json(object).map_err(|source| RulesError::Rule { path: path.clone(), number: i + 1, source })
        });
        Ok(Rules::new(rules.collect::<Result<_, _>>()?))
    }

    /// Adds rules that apply after these.
    pub fn extend(&mut self, rules: impl IntoIterator<Item = Rule>) {
        self.rules.extend(rules);
    }

    /// The rules, in the order in which they apply.
    pub fn iter(&self) -> std::slice::Iter<'_, Rule> {
        self.rules.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether any sets a width.
    pub fn set_widths(&self) -> bool {
        let sets = |options: &LayerOptions| options.act_bits.is_some() || options.weight_bits.is_some();
        self.rules.iter().any(|rule| sets(&rule.options))
    }

    /// Whether any measures the noise of a multiplier.
    pub fn measure_noise(&self) -> bool {
        self.rules.iter().any(|rule| rule.options.measures_noise())
    }

    /// The multipliers that `base` and these rules name and that no layer of `graph` uses, as users gave
    /// them: for its products or, in the other modes that quantize, for its operands or its errors.
    pub fn unused_multipliers(&self, graph: &Graph, base: &LayerOptions) -> Vec<String> {
        let of_noise = |options: &LayerOptions| Some(options.noise_from_lut.as_ref()?.lut.as_ref()?.lut.clone());
        let of_layer = |options: &LayerOptions| options.lut.as_ref().map(|lut| lut.lut.clone());
        let layers = graph.layers().map(|layer| self.options_of(layer, base));
        let quantized = layers.filter(|options| options.mode().is_quantized());
        let used: HashSet<String> = quantized
            .flat_map(|options| {
                let noise = of_noise(&options).filter(|_| options.mode() == InferenceMode::Noise);
                [of_layer(&options), noise]
            })
            .flatten()
            .collect();
        let given = std::iter::once(base).chain(self.rules.iter().map(|rule| &rule.options));
        let mut unused: Vec<String> = Vec::new();
        for lut in given.flat_map(|options| [of_layer(options), of_noise(options)]).flatten() {
            if !used.contains(&lut) && !unused.contains(&lut) {
                unused.push(lut);
            }
        }
        unused
    }

    /// These rules after one that gives every layer `base`: all that decides the layers.
    #[must_use]
    pub fn with_base(&self, base: LayerOptions) -> Self {
        let every = "*".parse().expect("a star is a glob");
        let first = Rule { pattern: every, options: base };
        Rules::new(std::iter::once(first).chain(self.rules.iter().cloned()).collect())
    }

    /// Fails unless every pattern matches one of `names`.
    pub(super) fn check_matches(&self, names: &[String]) -> Result<(), AssignError> {
        let unused = self.rules.iter().find(|rule| !names.iter().any(|name| rule.pattern.matches(name)));
        unused.map_or(Ok(()), |Rule { pattern, .. }| {
            Err(AssignError::NoMatch { pattern: pattern.text.clone(), similar: pattern.similar(names) })
        })
    }

    /// The options of a layer: [`options_for_product`](Self::options_for_product) where it is a product of two
    /// activations.
    pub(super) fn options_of(&self, layer: &dyn ApproxLayer, base: &LayerOptions) -> LayerOptions {
        if is_product(layer) {
            self.options_for_product(layer.name(), base)
        } else {
            self.options_for(layer.name(), base)
        }
    }

    /// The options of the layer with weights called `name`: `base`, overridden by the rules that match it.
    pub(super) fn options_for(&self, name: &str, base: &LayerOptions) -> LayerOptions {
        let rules = self.rules.iter().filter(|rule| rule.pattern.matches(name));
        rules.fold(base.clone(), |options, rule| options.overridden_by(&rule.options))
    }

    /// The options of the product of two activations called `name`. They are those of any layer but for the mode,
    /// which is that of [`LayerOptions::attention`], or of rules whose patterns name the product.
    pub(super) fn options_for_product(&self, name: &str, base: &LayerOptions) -> LayerOptions {
        let rules = self.rules.iter().filter(|rule| rule.pattern.matches(name));
        let start = LayerOptions { mode: Some(base.attention()), ..base.clone() };
        rules.fold(start, |options, Rule { pattern, options: rule }| {
            let named = rule.stated_mode().filter(|_| !pattern.is_every());
            let mode = rule.attention.or(named).or(options.mode);
            LayerOptions { mode, ..options.overridden_by(rule) }
        })
    }
}

impl<'a> IntoIterator for &'a Rules {
    type Item = &'a Rule;
    type IntoIter = std::slice::Iter<'a, Rule>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
