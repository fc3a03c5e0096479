//! What a sweep refuses, before its first job.

use crate::common::Folder;
use crate::common::cases::for_each_case;

#[test]
fn all_is_checked_before_the_first_job() {
    let folder = Folder::new();
    folder.write("table.bin", [0; 7]);
    let cases: [(&str, &[&str]); 17] = [
        ("-l drum-4 dram-4", &["dram-4", "drum-4", "--lut"]),
        ("-l drum-4 nowhere.bin", &["no file nowhere.bin", "--lut"]),
        ("-l drum-4 table.bin", &["table.bin"]),
        ("-l nowhere/*.bin", &["'nowhere/*.bin' matches no table's file", "--lut"]),
        ("-l drum-{3..}", &["drum-{3..}", "{3..7}", "--lut"]),
        ("-l catalogue:nothing", &["catalogue:nothing", "lut list --catalogue"]),
        ("-l -", &["standard input"]),
        ("-m lenet5 lenet6 -l drum-4", &["lenet6", "lenet5"]),
        ("-l drum-4 exact-signed --coding signed,affine", &["exact-signed", "affine", "--coding"]),
        ("-l drum-4 --act-bits 8,9", &["'9'", "--act-bits"]),
        ("-l drum-4 --set nothing:mode=quant", &["pattern 'nothing' matches no layer"]),
        ("-l drum-4 --scope group:conf*", &["group 'conf*' matches no layer of 'lenet5'", "conv1", "--scope"]),
        ("-l drum-4 --scope some", &["'some'", "group:PATTERN"]),
        ("-l drum-4 --scope group:fc1 --set fc1:mode=quant", &["exact in every scope"]),
        ("-l drum-4 -d nowhere", &["nowhere"]),
        ("--mode approx", &["mode approx needs a multiplier"]),
        ("-l drum-4 --shard 3/2", &["3/2", "K/N"]),
    ];
    for_each_case(cases, |(args, needles)| {
        folder.refuses(&format!("sweep run -o study -n 10 {args}"), needles);
    });
    let plain: [(&str, &[&str]); 5] = [
        ("sweep run -l drum-4", &["--output"]),
        ("sweep run -o study --compare quant", &["--compare"]),
        ("sweep run -o study --predictions p.csv", &["--predictions"]),
        ("sweep merge", &["DIR"]),
        ("sweep merge nowhere", &["nowhere"]),
    ];
    for_each_case(plain, |(args, needles)| {
        folder.refuses(args, &[]);
        let said = folder.run_to(2, args).stderr;
        assert!(needles.iter().all(|needle| said.contains(needle)), "{said}");
    });
    folder.refuses("sweep run -o table.bin -l drum-4 -n 10", &["table.bin", "--output"]);
}

#[test]
fn clusters_that_do_not_say_enough_are_named() {
    let folder = Folder::new();
    let run = |variables: &[(&str, &str)]| {
        let mut command = folder.command("sweep run -o study -n 10 -l drum-4 etm");
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        said
    };
    assert!(run(&[("JOB_COMPLETION_INDEX", "1")]).contains("JOB_COMPLETIONS is not set"));
    let uneven = [("ID", "3"), ("MIN", "1"), ("MAX", "7"), ("STEP", "1"), ("COUNT", "3")];
    let uneven = uneven.map(|(name, value)| (format!("SLURM_ARRAY_TASK_{name}"), value));
    let said = run(&uneven.each_ref().map(|(name, value)| (name.as_str(), *value)));
    assert!(said.contains("--array=1-3") && said.contains("--shard"), "{said}");
    assert!(folder.names().is_empty());
}
