//! `docs/ci.md` is true: its workflows are YAML, and every step of them runs in another project's repository, in
//! which the program is found only where the workflow puts it.

use crate::common::markdown::{blocks, of_the_project};
use crate::common::{Folder, has_compiler};
use yaml_rust2::{Yaml, YamlLoader};

/// A block of YAML.
fn parsed(block: &str) -> Yaml {
    let mut documents = YamlLoader::load_from_str(block).unwrap_or_else(|error| panic!("{error}: {block}"));
    assert_eq!(documents.len(), 1, "{block}");
    documents.remove(0)
}

/// The text of a YAML value.
fn text(value: &Yaml) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value:?}")).to_owned()
}

/// The names and values of a mapping of texts, such as `env`.
fn variables(mapping: &Yaml) -> Vec<(String, String)> {
    let mapping = mapping.as_hash().expect("a mapping of variables");
    mapping.iter().map(|(name, value)| (text(name), text(value))).collect()
}

/// The names and scripts of a GitHub workflow's steps that run something.
fn steps(workflow: &Yaml) -> Vec<(String, String)> {
    let jobs = workflow["jobs"].as_hash().expect("jobs");
    let steps = jobs.values().flat_map(|job| job["steps"].as_vec().expect("steps"));
    steps.filter(|step| !step["run"].is_badvalue()).map(|step| (text(&step["name"]), text(&step["run"]))).collect()
}

/// The lines of a GitLab job's script.
fn lines(script: &Yaml) -> Vec<String> {
    script.as_vec().expect("a list of commands").iter().map(text).collect()
}

/// A multiplier in C that leaves out the products' last bits.
#[cfg(unix)]
fn model_in_c(dropped: u32) -> String {
    format!("#include <stdint.h>\nuint16_t mul8u(uint8_t a, uint8_t b) {{ return (a * b) & ~{dropped}u; }}\n")
}

/// A repository that is not this one: a model in C and an experiment file.
#[cfg(unix)]
struct Repository {
    folder: Folder,
    variables: Vec<(String, String)>,
}

#[cfg(unix)]
impl Repository {
    fn new(document: &str, variables: Vec<(String, String)>) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::new();
        folder.write("rtl/mul8.c", model_in_c(15));
        let files = blocks(document, "toml");
        let file = files.iter().find(|file| file.starts_with("# ci/run.toml\n")).expect("an experiment file");
        folder.write("ci/run.toml", file);
        // In place of building the program anew: where it is put is the workflow's to say.
        let binary = assert_cmd::cargo::cargo_bin!("approx-eval").display();
        let cargo = format!(
            "#!/bin/sh\n[ \"$1 $2 $3 $5 $7 $9\" = 'install --locked --git --rev --root approx-eval' ] || exit 9\n\
             [ -n \"$4\" ] && [ -n \"$6\" ] || exit 8\nmkdir -p \"$8/bin\" && ln -sf '{binary}' \"$8/bin/approx-eval\"\n"
        );
        folder.write("stub/cargo", cargo);
        std::fs::set_permissions(folder.path("stub/cargo"), PermissionsExt::from_mode(0o755)).unwrap();
        folder.write("github-path", "");
        Repository { folder, variables }
    }

    /// Runs a script as CI systems do, and gives its exit code and what it said.
    fn run(&self, script: &str) -> (i32, String) {
        let file = |name| self.folder.path(name);
        let added = String::from_utf8(self.folder.read("github-path")).unwrap().replace('\n', ":");
        let system = std::env::var("PATH").unwrap_or_default();
        let mut shell = assert_cmd::Command::new("bash");
        shell.current_dir(file("")).args(["-eo", "pipefail", "-c", script]);
        shell.env("PATH", format!("{}:{added}{system}", file("stub").display())).env("HOME", file("home"));
        shell.env("GITHUB_PATH", file("github-path")).env("GITHUB_STEP_SUMMARY", file("summary.md"));
        shell.envs(self.variables.iter().cloned());
        let output = shell.output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (output.status.code().unwrap(), said)
    }

    /// Makes what the repository holds, with the program at hand.
    fn make_baseline(&self, script: &str) {
        let output = self.folder.shell(script).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::remove_dir_all(self.folder.path("luts")).unwrap();
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.folder.read(name)).unwrap()
    }
}

#[cfg(unix)]
#[test]
fn the_github_workflow_runs_elsewhere_and_catches_a_regression() {
    if !has_compiler() {
        return;
    }
    let document = of_the_project("docs/ci.md");
    let workflow = parsed(&blocks(&document, "yaml")[0]);
    let repository = Repository::new(&document, variables(&workflow["env"]));
    repository.make_baseline(&blocks(&document, "sh")[0]);
    let steps = steps(&workflow);
    for (name, script) in &steps {
        let (code, said) = repository.run(script);
        assert_eq!(code, 0, "{name}: {said}");
    }
    let summary = repository.text("summary.md");
    for part in ["| top-1 | ", "| conv1 | conv2d | mul8u", "Compared with ci/baseline.json"] {
        assert!(summary.contains(part), "{part}: {summary}");
    }
    let junit = repository.text("junit.xml");
    for part in [r#"failures="0""#, r#"name="max-drop""#, r#"name="alpha""#] {
        assert!(junit.contains(part), "{part}: {junit}");
    }
    // A worse multiplier in its place fails, and still reports.
    repository.folder.write("rtl/mul8.c", model_in_c(0x1fff));
    for (name, script) in &steps {
        let (code, said) = repository.run(script);
        assert_eq!(code, i32::from(name == "Evaluate"), "{name}: {said}");
    }
    assert!(repository.text("junit.xml").contains(r#"failures="2""#));
}

#[cfg(unix)]
#[test]
fn the_gitlab_job_and_the_loop_run_elsewhere() {
    if !has_compiler() {
        return;
    }
    let document = of_the_project("docs/ci.md");
    let scripts = blocks(&document, "sh");
    let workflow = parsed(&blocks(&document, "yaml")[1]);
    let repository = Repository::new(&document, variables(&workflow["variables"]));
    repository.make_baseline(&scripts[0]);
    let job = &workflow["accuracy"];
    let script = [lines(&job["before_script"]), lines(&job["script"])].concat().join("\n");
    let (code, said) = repository.run(&script);
    assert_eq!(code, 0, "{said}");
    assert!(repository.text("junit.xml").contains(r#"failures="0""#));
    // A table that is there, as from the cache, is taken; another one is another key.
    assert_eq!(repository.run(&script).0, 0);
    repository.folder.write("rtl/mul8.c", model_in_c(0x1fff));
    assert_eq!(repository.run(&format!("rm -r luts\n{script}")).0, 1);
    for script in &scripts[1..] {
        let output = repository.folder.shell(script).output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains("drum-4"));
    }
}

/// Whatever the workflows keep is keyed by what it follows from.
#[test]
fn workflows_are_yaml_and_caches_have_keys() {
    let document = of_the_project("docs/ci.md");
    let workflows: Vec<Yaml> = blocks(&document, "yaml").iter().map(|block| parsed(block)).collect();
    let [github, gitlab] = workflows.as_slice() else { panic!("{} workflows", workflows.len()) };
    let steps = github["jobs"]["accuracy"]["steps"].as_vec().unwrap();
    let keys: Vec<String> =
        steps.iter().filter(|step| !step["with"]["key"].is_badvalue()).map(|step| text(&step["with"]["key"])).collect();
    assert_eq!(keys.len(), 3, "{keys:?}");
    assert!(keys.iter().all(|key| key.contains("env.APPROX_EVAL_REV")), "{keys:?}");
    assert!(keys.iter().any(|key| key.contains("hashFiles('rtl/**')")), "{keys:?}");
    // What a step is skipped by is another step's.
    let ids: Vec<String> = steps.iter().filter_map(|step| step["id"].as_str().map(str::to_owned)).collect();
    for condition in
        steps.iter().filter_map(|step| step["if"].as_str()).filter(|condition| condition.starts_with("steps."))
    {
        assert!(ids.iter().any(|id| condition.starts_with(&format!("steps.{id}.outputs"))), "{condition}");
    }
    assert_eq!(text(&gitlab["accuracy"]["cache"][0]["key"]), "approx-eval-$APPROX_EVAL_REV");
    assert_eq!(text(&gitlab["accuracy"]["cache"][1]["key"]["files"][0]), "rtl/mul8.c");
}

#[test]
fn scripts_are_found() {
    let workflow = "jobs:\n  a:\n    steps:\n      - name: a\n        run: one\n      - name: b\n        run: |\n          two \\\n            three\n          four\n      - uses: x\n";
    let expected =
        [("a", "one"), ("b", "two \\\n  three\nfour\n")].map(|(name, run)| (name.to_owned(), run.to_owned()));
    assert_eq!(steps(&parsed(workflow)), expected);
    assert_eq!(lines(&parsed("- one\n- two || three\n")), ["one", "two || three"]);
}
