//! What shells and `man` are told: completion scripts, and manual pages.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use approx_eval::cli::Cli;
use clap::{Command, CommandFactory};

const SHELLS: &[&str] = &["bash", "elvish", "fish", "powershell", "zsh"];

#[test]
fn every_shell_gets_a_script() {
    let folder = Folder::new();
    for_each_case(SHELLS, |shell| {
        let script = folder.run_to(0, &format!("completions {shell}")).stdout;
        for part in ["approx-eval", "noise-from-lut", "min-accuracy", "from-c", "swap-operands", "completions"] {
            assert!(script.contains(part), "no {part}");
        }
    });
    assert!(folder.run_to(2, "completions tcsh").stderr.contains("bash"));
    folder.run_to(2, "completions");
}

/// The script in bash, asked as a terminal asks it.
#[cfg(unix)]
#[test]
fn bash_completes_options_values_names_and_files() {
    let folder = Folder::new();
    folder.write("mul8.bin", "");
    let script = r#"
        approx-eval completions bash > completions
        bash -n completions
        source completions
        complete -p approx-eval
        function=$(complete -p approx-eval | sed 's/.*-F \([^ ]*\) .*/\1/')
        try() {
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            $function approx-eval "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            echo "$*: ${COMPREPLY[*]}"
        }
        try approx-eval --mode q
        try approx-eval --noise-f
        try approx-eval --lut drum-4
        try approx-eval --lut mul
        try approx-eval -m res
        try approx-eval --arch lene
        try approx-eval --data mul
        try approx-eval --coding s
        try approx-eval --compare b
        try approx-eval lut inf
        try approx-eval lut info --ch
        try approx-eval lut from-c --tim
        try approx-eval lut gen drum-4
        try approx-eval model info resnet1
    "#;
    let output = folder.shell(script).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    for line in [
        "approx-eval --mode q: quant",
        "approx-eval --noise-f: --noise-from-lut",
        "approx-eval --lut drum-4: drum-4 drum-4-signed",
        "approx-eval --lut mul: mul8.bin",
        "approx-eval -m res: resnet8",
        "approx-eval --arch lene: lenet5",
        "approx-eval --data mul: mul8.bin",
        "approx-eval --coding s: signed sign-magnitude",
        "approx-eval --compare b: base",
        "approx-eval lut inf: info",
        "approx-eval lut info --ch: --check --channels",
        "approx-eval lut from-c --tim: --timeout",
        "approx-eval lut gen drum-4: drum-4 drum-4-signed",
    ] {
        assert!(said.lines().any(|said| said == line), "no '{line}' in {said}");
    }
    assert!(said.starts_with("complete "), "{said}");
    assert!(said.lines().last().unwrap().contains("resnet18"), "{said}");
}

/// Whether a program is there; tests that need it say so and pass without.
#[cfg(unix)]
fn has(program: &str) -> bool {
    let found = Folder::new().shell(&format!("command -v {program} > /dev/null")).output().unwrap().status.success();
    if !found {
        println!("skipped: there is no {program}");
    }
    found
}

/// The same in fish, which says what it would offer.
#[cfg(unix)]
#[test]
fn fish_completes_too() {
    if !has("fish") {
        return;
    }
    let folder = Folder::new();
    folder.write("mul8.bin", "");
    let lines =
        ["--lut drum-4", "--lut mul", "--mode q", "--lut udm --mode q", "--data mul", "lut inf", "-m res", "--noise-f"];
    let asked = lines.map(|line| format!("complete -C 'approx-eval {line}'; echo"));
    let script = format!("approx-eval completions fish > c.fish; fish -c \"source c.fish; {}\"", asked.join("; "));
    let output = folder.shell(&script).env("HOME", folder.path("")).output().unwrap();
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    let offered = said.split("\n\n").map(|part| {
        let names = part.lines().filter_map(|line| line.split('\t').next());
        names.collect::<Vec<_>>().join(" ")
    });
    let expected =
        ["drum-4 drum-4-signed", "mul8.bin", "quant", "quant", "mul8.bin", "info", "resnet8", "--noise-from-lut"];
    assert_eq!(offered.filter(|names| !names.is_empty()).collect::<Vec<_>>(), expected, "{said}");
}

/// The same in zsh, in a terminal of its own.
#[cfg(unix)]
#[test]
fn zsh_completes_too() {
    if !has("zsh") {
        return;
    }
    let folder = Folder::new();
    folder.write("mul8.bin", "");
    let typed = r#"
        zmodload zsh/zpty || exit 7
        zpty z zsh -f -i
        zpty -w z 'PS1=; fpath+=($PWD); autoload -Uz compinit; compinit -u -D'
        wait_for() { local out; for i in {1..200}; do zpty -r -t z more && out+=$more; [[ $out == *$1* ]] && return; sleep 0.05; done; print "no $1 in $out" }
        zpty -w z 'print rea''dy'; wait_for ready
        try() { zpty -w -n z "approx-eval $1"$'	'; wait_for "$2"; zpty -w -n z $'' }
        try '--lut mul' mul8.bin
        try '--lut drum-4' drum-4-signed
        try '-m resn' resnet8
        try '--mode qu' quant
        try 'lut inf' 'lut info'
        zpty -d z
    "#;
    folder.write("typed", typed);
    let script = "approx-eval completions zsh > _approx-eval; zsh -n _approx-eval; zsh -f typed";
    let output = folder.shell(script).env("HOME", folder.path("")).output().unwrap();
    if output.status.code() == Some(7) {
        println!("skipped: zsh has no terminals of its own");
        return;
    }
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

/// All commands but those that print help, by their names.
fn commands<'a>(command: &'a Command, name: &str) -> Vec<(String, &'a Command)> {
    let below = command.get_subcommands().filter(|command| command.get_name() != "help");
    let below = below.flat_map(|command| commands(command, &format!("{name}-{}", command.get_name())));
    std::iter::once((name.to_owned(), command)).chain(below).collect()
}

/// `--option` as roff has it.
fn in_roff(option: &str) -> String {
    format!("--{option}").replace('-', "\\-")
}

#[test]
fn the_manual_has_every_option_of_every_command() {
    let folder = Folder::new();
    let page = folder.run_to(0, "man").stdout;
    let listed = folder.run_to(0, "man --output share/man1").stdout;
    let mut program = Cli::command();
    program.build();
    for (name, command) in commands(&program, "approx-eval") {
        let own = String::from_utf8(folder.read(&format!("share/man1/{name}.1"))).unwrap();
        assert!(listed.contains(&format!("{name}.1\n")), "{listed}");
        assert!(own.contains(".TH ") && own.contains(".SH SYNOPSIS"), "{name}: {own}");
        for option in command.get_arguments().filter_map(clap::Arg::get_long) {
            assert!(own.contains(&in_roff(option)), "{name}.1: no {option}");
            assert!(page.contains(&in_roff(option)), "{name}: no {option}");
        }
        if !command.has_subcommands() {
            let heading = command.get_bin_name().unwrap().to_uppercase();
            assert!(page.contains(&format!(".SH \"{heading}\"\n")), "{heading}");
        }
    }
    assert_eq!(page.matches(".TH ").count(), 1);
    for part in ["EXAMPLES", "EXIT STATUS", "ENVIRONMENT", "APPROX_EVAL_KERNEL"] {
        assert!(page.contains(part), "{part}");
    }
    folder.write("file", "");
    folder.refuses("man --output file/below", &["--output", "file"]);
}

/// Where groff is there: it sets the pages without a warning, and says what they say.
#[cfg(unix)]
#[test]
fn manual_pages_are_set_without_warnings() {
    let folder = Folder::new();
    if !has("groff") {
        return;
    }
    let script = "approx-eval man --output pages > /dev/null; approx-eval man > pages/all.1; \
                  for page in pages/*.1; do groff -man -Tascii -ww -P-cbou $page; done";
    let output = folder.shell(script).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in ["--noise-from-lut", "approx-eval --lut", "EXIT STATUS", "LUT INFO"] {
        assert!(text.contains(part), "{part}");
    }
}
