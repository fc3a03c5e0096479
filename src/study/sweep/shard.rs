//! Parts of a sweep, for machines that work at the same time.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// One of several parts of a study.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which one, from 1.
    index: usize,
    /// Of how many.
    count: usize,
}

/// What is no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShardError {
    /// Not of the form.
    #[error("'{0}': expected K/N, such as 2/8 for the second of eight parts, with K from 1 to N")]
    Form(String),
    /// A variable of the environment is no number.
    #[error("{name} is '{value}', expected a whole number: give the shard")]
    Variable {
        /// The variable.
        name: &'static str,
        /// What it says.
        value: String,
    },
    /// A variable of the environment is not there.
    #[error("{of} says which part this is, but {name} is not set: set it to how many there are, or give the shard")]
    Missing {
        /// The variable that is there.
        of: &'static str,
        /// The one that is not.
        name: &'static str,
    },
    /// Tasks of a Slurm array that are not numbered evenly.
    #[error(
        "the tasks of this Slurm array, {min} to {max}, are not {count} numbers in steps of {step}: submit one such as --array=1-{count}, or give the shard"
    )]
    Uneven {
        /// The least number.
        min: usize,
        /// The greatest.
        max: usize,
        /// How many there are.
        count: usize,
        /// The step between two.
        step: usize,
    },
    /// A number that is none of the parts.
    #[error("{name} is {value}, but there are {count} parts: give the shard")]
    Beyond {
        /// The variable.
        name: &'static str,
        /// What it says.
        value: usize,
        /// How many parts there are.
        count: usize,
    },
}

impl ShardError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        &["shard"]
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
        let parts = text.split_once('/').and_then(|(index, count)| Some((number(index)?, number(count)?)));
        let parts = parts.filter(|(index, count)| index <= count);
        parts.map(|(index, count)| Shard { index, count }).ok_or_else(|| ShardError::Form(text.to_owned()))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// A number of the environment.
fn number(name: &'static str, get: &impl Fn(&str) -> Option<String>) -> Result<Option<usize>, ShardError> {
    let read = |value: String| value.trim().parse().map_err(|_| ShardError::Variable { name, value });
    get(name).map(read).transpose()
}

impl Shard {
    /// How many parts there are.
    pub fn count(self) -> usize {
        self.count
    }

    /// The part that the environment, whose variables `get` knows, gives to this process: a task of a Slurm array, or
    /// an index of an indexed Kubernetes job, whose number of completions stands in `JOB_COMPLETIONS`.
    ///
    /// # Errors
    /// When the variables do not say which part of how many that is.
    pub fn of_environment(get: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, ShardError> {
        const TASK: &str = "SLURM_ARRAY_TASK_ID";
        const INDEX: &str = "JOB_COMPLETION_INDEX";
        if let Some(task) = number(TASK, &get)? {
            return Self::of_slurm(TASK, task, &get).map(Some);
        }
        let Some(index) = number(INDEX, &get)? else { return Ok(None) };
        let name = "JOB_COMPLETIONS";
        let count = number(name, &get)?.ok_or(ShardError::Missing { of: INDEX, name })?;
        if index >= count {
            return Err(ShardError::Beyond { name: INDEX, value: index, count });
        }
        Ok(Some(Shard { index: index + 1, count }))
    }

    fn of_slurm(of: &'static str, task: usize, get: &impl Fn(&str) -> Option<String>) -> Result<Self, ShardError> {
        let needed = |name: &'static str| number(name, get)?.ok_or(ShardError::Missing { of, name });
        let (min, max) = (needed("SLURM_ARRAY_TASK_MIN")?, needed("SLURM_ARRAY_TASK_MAX")?);
        let step = number("SLURM_ARRAY_TASK_STEP", get)?.filter(|step| *step > 0).unwrap_or(1);
        let even = max.saturating_sub(min) / step + 1;
        let count = number("SLURM_ARRAY_TASK_COUNT", get)?.unwrap_or(even);
        if even != count || max < min || !(max - min).is_multiple_of(step) {
            return Err(ShardError::Uneven { min, max, count, step });
        }
        if task < min || task > max || !(task - min).is_multiple_of(step) {
            return Err(ShardError::Beyond { name: of, value: task, count });
        }
        Ok(Shard { index: (task - min) / step + 1, count })
    }

    /// Its part of jobs of so much `work` each: the parts are blocks of neighbours, in their order, of about the same
    /// work.
    pub fn block(self, work: &[f64]) -> Range<usize> {
        let total: f64 = work.iter().sum();
        let mut before = 0.0;
        // Each belongs to the part that its middle lies in.
        let parts = work.iter().map(|job| {
            let middle = before + job / 2.0;
            before += job;
            ((middle / total * self.count as f64) as usize).min(self.count - 1) + 1
        });
        let parts: Vec<usize> = parts.collect();
        let start = parts.partition_point(|part| *part < self.index);
        start..parts.partition_point(|part| *part <= self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use proptest::prelude::*;

    #[test]
    fn parts_are_numbered_from_one() {
        let shard: Shard = "2/8".parse().unwrap();
        assert_eq!((shard.to_string().as_str(), shard.index, shard.count()), ("2/8", 2, 8));
        for text in ["", "2", "0/8", "9/8", "1/0", "a/8", "1/2/3", "-1/8", "1 / 2"] {
            assert!(text.parse::<Shard>().unwrap_err().to_string().contains(&format!("'{text}'")), "{text}");
        }
    }

    #[test]
    fn clusters_say_which_part_this_is() {
        type Case = (Vec<(String, String)>, Result<Option<&'static str>, &'static str>);
        let slurm = |task: &str, min: &str, max: &str, step: &str, count: &str| {
            let names = ["ID", "MIN", "MAX", "STEP", "COUNT"].map(|name| format!("SLURM_ARRAY_TASK_{name}"));
            names.into_iter().zip([task, min, max, step, count].map(str::to_owned)).collect::<Vec<_>>()
        };
        let kubernetes = |index: &str, count: Option<&str>| {
            let count = count.map(|count| ("JOB_COMPLETIONS".to_owned(), count.to_owned()));
            std::iter::once(("JOB_COMPLETION_INDEX".to_owned(), index.to_owned())).chain(count).collect()
        };
        let cases: [Case; 14] = [
            (Vec::new(), Ok(None)),
            (slurm("1", "1", "8", "1", "8"), Ok(Some("1/8"))),
            (slurm("0", "0", "7", "1", "8"), Ok(Some("1/8"))),
            (slurm("7", "0", "7", "1", "8"), Ok(Some("8/8"))),
            (slurm("14", "10", "16", "2", "4"), Ok(Some("3/4"))),
            (slurm("5", "5", "5", "1", "1"), Ok(Some("1/1"))),
            (slurm("3", "1", "7", "1", "3"), Err("--array=1-3")),
            (slurm("9", "1", "8", "1", "8"), Err("SLURM_ARRAY_TASK_ID is 9")),
            (slurm("x", "1", "8", "1", "8"), Err("SLURM_ARRAY_TASK_ID is 'x'")),
            (slurm("1", "1", "8", "1", "8")[..1].to_vec(), Err("SLURM_ARRAY_TASK_MIN is not set")),
            (kubernetes("0", Some("4")), Ok(Some("1/4"))),
            (kubernetes("3", Some("4")), Ok(Some("4/4"))),
            (kubernetes("4", Some("4")), Err("JOB_COMPLETION_INDEX is 4")),
            (kubernetes("1", None), Err("JOB_COMPLETIONS is not set")),
        ];
        for_each_case(cases, |(variables, expected)| {
            let get = |name: &str| variables.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone());
            match (Shard::of_environment(get), expected) {
                (Ok(shard), Ok(expected)) => assert_eq!(shard.map(|shard| shard.to_string()).as_deref(), expected),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (found, expected) => panic!("{found:?}, expected {expected:?}"),
            }
        });
    }

    #[test]
    fn blocks_weigh_as_much_as_each_other() {
        let work = [8.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        let block = |index| Shard { index, count: 2 }.block(&work);
        assert_eq!((block(1), block(2)), (0..1, 1..9));
        let even: Vec<_> = (1..=4).map(|index| Shard { index, count: 4 }.block(&[1.0; 8])).collect();
        assert_eq!(even, [0..2, 2..4, 4..6, 6..8]);
        assert_eq!((1..=4).map(|index| Shard { index, count: 4 }.block(&[1.0; 2]).len()).sum::<usize>(), 2);
        assert_eq!(Shard { index: 1, count: 3 }.block(&[]), 0..0);
    }

    proptest! {
        #[test]
        fn every_job_is_in_one_part(work in prop::collection::vec(0.01f64..100.0, 0..60), count in 1usize..20) {
            let blocks: Vec<_> = (1..=count).map(|index| Shard { index, count }.block(&work)).collect();
            let places: Vec<usize> = blocks.iter().cloned().flatten().collect();
            prop_assert_eq!(places, (0..work.len()).collect::<Vec<_>>());
            let largest = work.iter().copied().fold(0.0, f64::max);
            let share = work.iter().sum::<f64>() / count as f64;
            for block in blocks {
                let sum: f64 = work[block].iter().sum();
                prop_assert!(sum <= share + largest + 1e-6, "{sum} of {share}");
            }
        }
    }
}
