//! Rules read back from the JSON of a report.

use super::{Rule, Rules};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

impl<'de> Deserialize<'de> for Rules {
    /// Reads what serializing rules wrote, by the same rules as a file of them.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Json {
            rules: Vec<Map<String, Value>>,
        }
        let Json { rules } = Json::deserialize(deserializer)?;
        let rule =
            |(i, object)| Rule::from_json(object).map_err(|error| Error::custom(format!("rule {}: {error}", i + 1)));
        Ok(Rules::new(rules.iter().enumerate().map(rule).collect::<Result<_, _>>()?))
    }
}
