//! Files and command lines of a small command, which has an option of each kind.

use super::*;
use crate::cases::for_each_case;
use clap::{ArgAction, ValueHint, value_parser};
use std::fs;
use tempfile::TempDir;

fn command() -> Command {
    let option = |name: &'static str| Arg::new(name).long(name);
    let path = |name| option(name).value_parser(value_parser!(PathBuf));
    let mut command = Command::new("net")
        .args_override_self(true)
        .arg(path("file").short('f').action(ArgAction::Append))
        .arg(option("limit").value_name("N").value_parser(value_parser!(u64).range(1..)))
        .arg(option("mode").value_parser(["base", "quant"]))
        .arg(option("scale").value_parser(value_parser!(f64)).allow_hyphen_values(true))
        .arg(option("mean").value_delimiter(',').allow_hyphen_values(true))
        .arg(option("size").value_name("C,H,W"))
        .arg(option("set").action(ArgAction::Append))
        .arg(path("data"))
        .arg(option("lut").value_hint(ValueHint::AnyPath))
        .arg(option("fast").action(ArgAction::SetTrue))
        .arg(option("quiet").action(ArgAction::SetTrue).conflicts_with("verbose"))
        .arg(option("verbose").short('v').action(ArgAction::Count))
        .arg(option("model").conflicts_with("arch"))
        .arg(option("arch").requires("weights"))
        .arg(path("weights"))
        .arg(option("lut-format"))
        .arg(option("swap-operands").action(ArgAction::SetTrue))
        .arg(option("kernel").env("APPROX_EVAL_TEST_OF_FILES"))
        .subcommand(Command::new("list"));
    command.build();
    command
}

/// A folder with `run.toml`.
fn file(text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("run.toml"), text).unwrap();
    folder
}

/// The arguments in front of those of `line`, in which `@` is the folder.
fn front(folder: &TempDir, line: &str) -> Result<Vec<String>, FileError> {
    let folder = folder.path().display().to_string();
    let line = line.replace('@', &folder);
    let arguments: Vec<OsString> = std::iter::once("net").chain(line.split_whitespace()).map(OsString::from).collect();
    let given = arguments.len();
    let resolved = resolve(&command(), arguments.clone())?;
    assert_eq!(resolved.arguments[0], "net");
    let added = resolved.arguments.len() - given;
    assert_eq!(resolved.arguments[1 + added..], arguments[1..], "the command line stays, behind the files'");
    let text = |argument: &OsString| argument.to_str().unwrap().replace(&folder, "@");
    Ok(resolved.arguments[1..=added].iter().map(text).collect())
}

#[test]
fn every_kind_of_value_becomes_the_argument_that_it_would_be() {
    let cases = [
        ("limit = 10", "--limit=10"),
        ("limit = 1_000", "--limit=1000"),
        ("limit = 0x10", "--limit=16"),
        ("limit = '7'", "--limit=7"),
        ("limit = 18446744073709551615", "--limit=18446744073709551615"),
        ("mode = 'quant'", "--mode=quant"),
        ("scale = -1e-3", "--scale=-1e-3"),
        ("scale = 0.1307", "--scale=0.1307"),
        ("scale = inf", "--scale=inf"),
        ("scale = 2", "--scale=2"),
        ("mean = [0.485, 0.456, 4e-1]", "--mean=0.485,0.456,4e-1"),
        ("mean = 0.5", "--mean=0.5"),
        ("mean = '0.5,-1'", "--mean=0.5,-1"),
        ("size = [3, 32, 32]", "--size=3,32,32"),
        ("size = '3,32,32'", "--size=3,32,32"),
        ("set = ['a:b=1', 'c:d=2']", "--set=a:b=1 --set=c:d=2"),
        ("set = 'a:b=1'", "--set=a:b=1"),
        ("set = []", ""),
        ("data = 'a/b.npz'", "--data=@/a/b.npz"),
        ("data = '/a/b.npz'", "--data=/a/b.npz"),
        ("lut = 'drum-4'", "--lut=drum-4"),
        ("lut = 'mul8.bin'", "--lut=@/mul8.bin"),
        ("lut = '-'", "--lut=-"),
        ("fast = true", "--fast"),
        ("fast = false", ""),
        ("verbose = 2", "--verbose --verbose"),
        ("verbose = 0", ""),
        ("\u{feff}# a comment\n\nlimit = 3 # another\r\n", "--limit=3"),
        ("'limit' = 3\nmode = \"base\"\n", "--limit=3 --mode=base"),
        ("", ""),
    ];
    for_each_case(cases, |(text, expected)| {
        let expected: Vec<&str> = expected.split_whitespace().collect();
        assert_eq!(front(&file(text), "-f @/run.toml").unwrap(), expected);
    });
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let cases = [
        ("limt = 3", "line 1: unknown key 'limt' (did you mean 'limit'"),
        ("\n\nqqq = 3", "line 3: unknown key 'qqq': expected the long name"),
        ("help = true", "line 1: unknown key 'help'"),
        ("[limit]\nn = 3", "line 1: limit is a table, expected a text in quotes or a number"),
        ("limit.n = 3", "limit is a table"),
        ("[network]\nmodel = 'a'", "line 1: unknown key 'network'"),
        ("limit = true", "line 1: limit is true, expected a text in quotes or a number"),
        ("limit = [3]", "limit is a list, expected a text"),
        ("limit = 2020-01-01", "limit is the date 2020-01-01"),
        ("limit = 0", "line 1: invalid limit '0': 0 is not in 1.."),
        ("limit = -1", "invalid limit '-1'"),
        ("limit = 1.5", "invalid limit '1.5'"),
        ("a = 1\nlimit = 3", "line 1: unknown key 'a'"),
        ("mode = 'quan'", "line 1: invalid mode 'quan': did you mean 'quant'? expected one of base, quant"),
        ("mode = ''", "invalid mode ''"),
        ("scale = 'much'", "invalid scale 'much': invalid float literal"),
        ("mean = [1, [2]]", "mean is a list, expected a list of numbers"),
        ("mean = [1,\n true]", "line 2: mean is true"),
        ("set = [\n'a',\n3.5,\nfalse]", "line 4: set is false, expected a text in quotes, or a list"),
        ("[[set]]\nlayers = 'a'", "line 1: set is a table"),
        ("fast = 'yes'", "line 1: fast is the text 'yes', expected true or false"),
        ("fast = 1", "fast is the number 1, expected true or false"),
        ("verbose = true", "verbose is true, expected a whole number from 0 to 255"),
        ("verbose = 256", "verbose is the number 256"),
        ("verbose = -1", "verbose is the number -1"),
        ("file = 'other.toml'", "line 1: a file does not name others"),
        ("limit = 3\nlimit = 4", "line 2: not TOML: duplicate key"),
        ("limit 3", "line 1: not TOML"),
        ("limit = 3 mode = 'base'", "line 1: not TOML"),
        ("mode = base", "line 1: not TOML"),
        ("mode = 'base", "line 1: not TOML"),
        ("\n--mode base", "line 2: not TOML"),
    ];
    for_each_case(cases, |(text, expected)| {
        let error = front(&file(text), "-f @/run.toml").unwrap_err().to_string();
        assert!(error.contains("run.toml: ") && error.contains(expected), "{error}");
        assert!(!error.contains('\n'), "{error}");
    });
}

#[test]
fn what_is_no_text_is_refused() {
    let folder = file("");
    let write = |bytes: &[u8]| fs::write(folder.path().join("run.toml"), bytes).unwrap();
    let refused = || front(&folder, "-f @/run.toml").unwrap_err();
    write(b"limit = 3\nmode = '\xff'");
    assert!(refused().to_string().contains("byte 18 in line 2"), "{}", refused());
    write(&[0; 100]);
    assert!(matches!(refused(), FileError::Syntax { line: 1, .. }), "{}", refused());
    write(&vec![b'#'; 1 << 21]);
    assert!(matches!(refused(), FileError::Read { .. }));
    write(format!("mean = {}", "[".repeat(100_000)).as_bytes());
    assert!(matches!(refused(), FileError::Syntax { .. }));
    assert!(matches!(front(&folder, "-f @").unwrap_err(), FileError::Read { .. }));
    assert!(matches!(front(&folder, "-f @/nowhere.toml").unwrap_err(), FileError::Read { .. }));
}

#[test]
fn the_command_line_replaces_what_it_says_itself() {
    const TEXT: &str = "limit = 3\nmodel = 'a'\nweights = 'w'\nset = ['r']\nquiet = true\nmean = [1]";
    let all = "--limit=3 --model=a --weights=@/w --set=r --quiet --mean=1";
    let without = |options: &[&str]| {
        let kept = all.split(' ').filter(|argument| !options.iter().any(|option| argument.starts_with(option)));
        kept.collect::<Vec<_>>().join(" ")
    };
    let cases = [
        ("", without(&[])),
        ("--limit 5", without(&["--limit"])),
        ("--limit=5 --mean 2", without(&["--limit", "--mean"])),
        ("--set s", without(&[])),
        ("-v", without(&["--quiet"])),
        ("--arch b", without(&["--model", "--weights"])),
        ("--weights v", without(&["--weights"])),
        ("--quiet", without(&["--quiet"])),
    ];
    let folder = file(TEXT);
    for_each_case(cases, |(line, expected)| {
        let expected: Vec<&str> = expected.split_whitespace().collect();
        assert_eq!(front(&folder, &format!("-f @/run.toml {line}")).unwrap(), expected);
        assert_eq!(front(&folder, &format!("{line} --file=@/run.toml")).unwrap(), expected, "in any order");
    });
    // What is wrong behind does not hide what is given; what is wrong before ends it all.
    let kept = without(&["--limit"]);
    assert_eq!(front(&folder, "-f @/run.toml --limit 5 --scale much").unwrap().join(" "), kept);
    assert!(front(&folder, "--scale much -f @/run.toml").unwrap().is_empty());
    let other = file("arch = 'b'\nweights = 'w'\nlimit = 3");
    assert_eq!(front(&other, "-f @/run.toml --model a").unwrap(), ["--limit=3"]);
    // How a file of a multiplier is read goes with it.
    let lut = file("lut = 'a'\nlut-format = 'b'\nswap-operands = true\nlimit = 3");
    assert_eq!(front(&lut, "-f @/run.toml --lut c").unwrap(), ["--limit=3"]);
    assert_eq!(front(&lut, "-f @/run.toml --limit 4").unwrap().join(" "), "--lut=a --lut-format=b --swap-operands");
}

#[test]
fn later_files_replace_what_earlier_ones_say() {
    let folder = file("limit = 3\nfast = true\nset = ['r']\nmodel = 'a'\nweights = 'w'\nquiet = true\nverbose = 0");
    fs::write(folder.path().join("b.toml"), "limit = 4\nfast = false\nset = ['s']\narch = 'b'\nweights = 'v'").unwrap();
    let both = front(&folder, "-f @/run.toml -f @/b.toml").unwrap();
    assert_eq!(both, ["--set=r", "--quiet", "--limit=4", "--set=s", "--arch=b", "--weights=@/v"]);
    let both = front(&folder, "-f @/b.toml -f @/run.toml").unwrap();
    assert_eq!(both, ["--set=s", "--limit=3", "--fast", "--set=r", "--model=a", "--weights=@/w", "--quiet"]);
}

#[test]
fn files_are_for_evaluations() {
    let folder = file("limit = 3");
    assert!(front(&folder, "").unwrap().is_empty());
    assert!(front(&folder, "list -f @/run.toml").unwrap().is_empty());
    assert!(front(&folder, "--help -f @/nowhere.toml").unwrap().is_empty());
}

#[test]
fn options_that_do_not_go_together_are_the_files() {
    let explained = |text: &str, line: &str| {
        let (folder, command) = (file(text), command());
        let line = line.replace('@', &folder.path().display().to_string());
        let arguments: Vec<OsString> = ["net"].into_iter().chain(line.split_whitespace()).map(Into::into).collect();
        let alone = command.clone().try_get_matches_from(&arguments).err();
        let resolved = resolve(&command, arguments).unwrap();
        let error = command.try_get_matches_from(&resolved.arguments).unwrap_err();
        resolved.explain(error, alone.as_ref()).map(|error| error.to_string().replace("run.toml", "R"))
    };
    let message = explained("model = 'a'\narch = 'b'\nweights = 'w'", "-f @/run.toml").unwrap();
    assert!(message.contains("R, line 1") && message.contains("R, line 2"), "{message}");
    assert!(message.contains("arch (") && message.contains("cannot be used with"), "{message}");
    let message = explained("arch = 'b'", "-f @/run.toml").unwrap();
    assert!(message.contains("--weights is missing"), "{message}");
    // Those that do not go together on the command line are its own.
    assert!(explained("limit = 3", "-f @/run.toml --model a --arch b --weights c").is_err());
    assert!(explained("limit = 3", "-f @/run.toml --nonsense").is_err());
}

#[test]
fn rules_know_their_folders() {
    let folder = file("set = ['r', 's']");
    let arguments: Vec<OsString> =
        vec!["net".into(), "-f".into(), folder.path().join("run.toml").into(), "--set".into(), "t".into()];
    assert_eq!(resolve(&command(), arguments).unwrap().rule_folders, vec![folder.path(); 2]);
}
