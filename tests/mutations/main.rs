//! Files of every format, changed at random: whatever becomes of them, reading ends soon, with a result or with a
//! message. The changes follow from a seed, so that each run of the same length makes the same ones.
//!
//! A run of some seconds is part of every test run. `APPROX_EVAL_MUTATIONS=1200` makes it 1,200 seconds, and
//! `APPROX_EVAL_MUTATION_SEED` starts elsewhere; docs/testing.md says more. Where the process is ended, the file at
//! fault lies in the folder that was named at the start.

#[path = "../command/common/mod.rs"]
#[allow(dead_code, unused_imports, reason = "shared with the tests of the command")]
mod common;
mod mutate;
mod networks;
#[cfg(feature = "parquet")]
#[path = "../command/common/parquet_set.rs"]
mod parquet_set;
mod readers;
mod studies;
#[path = "../../src/import/tflite/tests/writer.rs"]
#[allow(dead_code, reason = "shared with the tests of the importer")]
mod tflite;

use common::random::Random;
use mutate::mutate;
use readers::{Reader, readers};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

/// The longest that one file may take.
const LONGEST: Duration = Duration::from_secs(10);

/// Seconds of a run where none are asked for.
const SECONDS: u64 = 8;

/// What came of the files of one reader.
#[derive(Debug, Default)]
struct Tally {
    read: u64,
    refused: u64,
    slowest: Duration,
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is '{text}', expected a number")))
}

/// One mutated file, read; what went wrong, if anything did.
fn attempt(reader: &Reader, folder: &Path, random: &mut Random, tally: &mut Tally) -> Result<(), String> {
    let victim = &reader.victims[random.below(reader.victims.len() as u64) as usize];
    let whole = &reader.files.iter().find(|(name, _)| name == victim).unwrap().1;
    let others = &reader.files[random.below(reader.files.len() as u64) as usize].1;
    let changed = mutate(whole, others, random);
    std::fs::write(folder.join(victim), changed).unwrap();
    let started = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| (reader.read)(folder)));
    let elapsed = started.elapsed();
    let wrong = match result {
        Ok(Ok(())) => {
            tally.read += 1;
            None
        }
        Ok(Err(message)) => {
            tally.refused += 1;
            message.is_empty().then(|| "an error without a message".to_owned())
        }
        Err(_) => Some("a panic".to_owned()),
    };
    tally.slowest = tally.slowest.max(elapsed);
    let wrong = wrong.or_else(|| (elapsed > LONGEST).then(|| format!("{elapsed:?}")));
    if let Some(wrong) = wrong {
        // Kept for whoever looks for the cause.
        let kept =
            std::env::temp_dir().join(format!("approx-eval-mutation-{}-{victim}", reader.name).replace('/', "_"));
        std::fs::copy(folder.join(victim), &kept).unwrap();
        return Err(format!("{}: {wrong}: {}", reader.name, kept.display()));
    }
    std::fs::write(folder.join(victim), whole).unwrap();
    Ok(())
}

#[test]
fn mutated_files_are_read_or_refused() {
    // More than any of these files needs; to ask for it all ends the process.
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let limit = Some(16 << 30);
        setrlimit(Resource::As, Rlimit { current: limit, maximum: limit }).unwrap();
    }
    let seconds = number("APPROX_EVAL_MUTATIONS").unwrap_or(SECONDS);
    let mut random = Random::new(number("APPROX_EVAL_MUTATION_SEED").unwrap_or(1));
    let folder = tempfile::tempdir().unwrap();
    // Past the test harness: a process that is ended says nothing more.
    let _ = writeln!(std::io::stderr(), "mutations in {}", folder.path().display());
    let readers = readers();
    for reader in &readers {
        let own = folder.path().join(reader.name);
        for (name, bytes) in &reader.files {
            std::fs::create_dir_all(own.join(name).parent().unwrap()).unwrap();
            std::fs::write(own.join(name), bytes).unwrap();
        }
        // What is not changed is read.
        assert_eq!((reader.read)(&own), Ok(()), "{}", reader.name);
    }
    let mut tallies: Vec<Tally> = readers.iter().map(|_| Tally::default()).collect();
    let (started, mut wrong) = (Instant::now(), Vec::new());
    let mut round = 0;
    while started.elapsed().as_secs() < seconds || round < 3 {
        for (reader, tally) in readers.iter().zip(&mut tallies) {
            wrong.extend(attempt(reader, &folder.path().join(reader.name), &mut random, tally).err());
        }
        round += 1;
        assert!(wrong.len() < 50, "{}", wrong.join("\n"));
    }
    for (reader, tally) in readers.iter().zip(&tallies) {
        println!("{:14} {:7} refused {:7} read, slowest {:?}", reader.name, tally.refused, tally.read, tally.slowest);
    }
    assert!(wrong.is_empty(), "{} of {} files\n{}", wrong.len(), round * readers.len(), wrong.join("\n"));
}
