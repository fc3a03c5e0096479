//! `approx-eval man`: the manual, one page of everything or a page for each command.

use super::ExitCode;
use super::output::print;
use crate::output::{OutputError, OutputFile, finish_all};
use anyhow::Context;
use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};
use std::fs;
use std::io;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct ManArgs {
    /// Write a page for each command to a folder, such as approx-eval-lut-info.1; default: print one page of all
    /// commands
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

/// Environment variables, and what they do.
pub(super) const ENVIRONMENT: &[(&str, &str)] = &[
    ("APPROX_EVAL_KERNEL", "The kernel to use, as --kernel."),
    ("CC", "The C compiler of lut from-c, with arguments if need be; cc by default."),
    ("NO_COLOR", "No colors if it is set and not empty."),
];

pub(super) fn run(
    args: &ManArgs,
    command: Command,
    examples: &[(&str, &str)],
    exit_codes: &str,
) -> anyhow::Result<ExitCode> {
    // A list of all options says nothing.
    let mut command = command.override_usage("approx-eval [options]\napprox-eval <command>");
    command.build();
    let manual = Manual { command, examples, exit_codes };
    let Some(folder) = &args.output else {
        print(&manual.whole()?)?;
        return Ok(ExitCode::Success);
    };
    fs::create_dir_all(folder).map_err(|source| OutputError { path: folder.clone(), source }).context("--output")?;
    let (mut files, mut names) = (Vec::new(), Vec::new());
    for (name, page) in manual.pages()? {
        let path = folder.join(name);
        names.push(format!("{}\n", path.display()));
        files.push(OutputFile::create(&path).context("--output")?.with_bytes(&page)?);
    }
    let files = finish_all(files)?;
    print(names.concat().as_bytes())?;
    files.publish()?;
    Ok(ExitCode::Success)
}

struct Manual<'a> {
    /// The program, built.
    command: Command,
    examples: &'a [(&'a str, &'a str)],
    exit_codes: &'a str,
}

impl Manual<'_> {
    /// One page of the program and all its commands.
    fn whole(&self) -> io::Result<Vec<u8>> {
        let mut page = Vec::new();
        head(&self.command, &mut page)?;
        for command in leaves(&self.command) {
            // What all commands have is said once.
            let is_shared = |arg: &clap::Arg| arg.is_global_set() || arg.get_id() == "help";
            let own = command.clone().mut_args(|arg| if is_shared(&arg) { arg.hide(true) } else { arg });
            page.extend(text(&heading(&own.get_bin_name().unwrap_or_default().to_uppercase())));
            let mut sections = Vec::new();
            let man = Man::new(own);
            man.render_synopsis_section(&mut sections)?;
            man.render_description_section(&mut sections)?;
            man.render_options_section(&mut sections)?;
            let sections = String::from_utf8_lossy(&sections).replace("\n.SH ", "\n.SS ");
            page.extend(sections.bytes());
        }
        self.tail(&mut page)?;
        Ok(without_preambles(&page))
    }

    /// A page for each command, by its file's name.
    fn pages(&self) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut pages = Vec::new();
        for command in all(&self.command) {
            let man = Man::new(command.clone());
            let mut page = Vec::new();
            head(command, &mut page)?;
            if command.has_subcommands() {
                man.render_subcommands_section(&mut page)?;
            }
            if command.get_name() == self.command.get_name() {
                self.tail(&mut page)?;
            }
            pages.push((man.get_filename(), without_preambles(&page)));
        }
        Ok(pages)
    }

    /// What a manual page ends with.
    fn tail(&self, page: &mut Vec<u8>) -> io::Result<()> {
        let mut end = Roff::new();
        end.control("SH", ["EXAMPLES"]);
        for (command, what) in self.examples {
            end.control("TP", []).text([bold(*command)]).text([roman(*what)]);
        }
        end.control("SH", ["EXIT STATUS"]).text([roman(self.exit_codes)]);
        end.control("SH", ["ENVIRONMENT"]);
        for (name, what) in ENVIRONMENT {
            end.control("TP", []).text([bold(*name)]).text([roman(*what)]);
        }
        end.to_writer(page)
    }
}

/// Title, name, synopsis, description and options.
fn head(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let man = Man::new(command.clone());
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)
}

fn heading(title: &str) -> Roff {
    let mut heading = Roff::new();
    heading.control("SH", [title]);
    heading
}

fn text(roff: &Roff) -> Vec<u8> {
    let mut text = Vec::new();
    roff.to_writer(&mut text).expect("memory takes all");
    text
}

/// The definitions of an apostrophe that every part begins with, once.
fn without_preambles(page: &[u8]) -> Vec<u8> {
    let preamble = text(Roff::new().text(Vec::<Inline>::new()));
    let page = String::from_utf8_lossy(page).into_owned();
    let preamble: Vec<String> = String::from_utf8_lossy(&preamble).lines().map(str::to_owned).collect();
    let is_body = |line: &&str| line.trim().is_empty() || !preamble.iter().any(|other| other == line);
    let mut lines: Vec<&str> = preamble.iter().map(String::as_str).filter(|line| !line.trim().is_empty()).collect();
    lines.extend(page.lines().filter(is_body));
    (lines.join("\n") + "\n").into_bytes()
}

/// `command` and its subcommands, but for those that print help.
pub(super) fn all(command: &Command) -> Vec<&Command> {
    let below = command.get_subcommands().filter(|command| command.get_name() != "help" && !command.is_hide_set());
    std::iter::once(command).chain(below.flat_map(all)).collect()
}

/// Those of its subcommands that have none of their own.
fn leaves(command: &Command) -> Vec<&Command> {
    let is_leaf = |other: &&Command| !std::ptr::eq(*other, command) && !other.has_subcommands();
    all(command).into_iter().filter(is_leaf).collect()
}
