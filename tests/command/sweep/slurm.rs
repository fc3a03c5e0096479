//! `docs/cluster.md` is true: a Slurm of this test's own runs its scripts, and its other parts are run as schedulers
//! run them.
//!
//! Slurm is there where `APPROX_EVAL_SLURM` names the root that its packages are unpacked in, as `.ci/run` does. Its
//! daemons listen on loopback, authenticate nobody, and think that the machine has as many processors as the scripts ask
//! for.

use super::merged;
use crate::common::markdown::{blocks, of_the_project};
use crate::common::{Folder, Run};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use yaml_rust2::{Yaml, YamlLoader};

const SWEEP: &str = "model = 'lenet5'\nlut = ['drum-{3..5}', 'etm']\nscope = ['all', 'each']\n";

/// As many jobs as it has.
const JOBS: usize = 4 * (1 + 5);

/// The page's script whose second line, or first, begins with this name.
fn script(name: &str) -> String {
    let scripts = blocks(&of_the_project("docs/cluster.md"), "bash");
    let is_it = |script: &String| script.lines().any(|line| line.starts_with(&format!("# {name}:")));
    scripts.into_iter().find(is_it).unwrap_or_else(|| panic!("docs/cluster.md has no {name}"))
}

/// The folder of a study of so many samples, and the table of one process.
fn study(samples: usize) -> (Folder, String) {
    let folder = Folder::new();
    folder.write("sweep.toml", format!("{SWEEP}limit = {samples}\n"));
    folder.run_to(0, "sweep run -f sweep.toml -o single");
    let expected = merged(&folder, "single");
    assert_eq!(expected.lines().count(), 1 + JOBS);
    (folder, expected)
}

/// A cluster of this machine.
struct Slurm {
    root: PathBuf,
    /// Where its files lie, and its jobs.
    folder: Folder,
    daemons: Vec<Child>,
}

impl Drop for Slurm {
    fn drop(&mut self) {
        self.run("scancel --user=$(id -un); sleep 0.5");
        for daemon in self.daemons.iter_mut().rev() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

impl Slurm {
    fn start(root: PathBuf, folder: Folder) -> Self {
        let text = |command: &str| {
            let output = Command::new("sh").args(["-c", command]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        let (host, user) = (text("hostname -s 2>/dev/null || cat /proc/sys/kernel/hostname"), text("id -un"));
        // Free when they are looked for.
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [control, node] = listeners.map(|listener| listener.local_addr().unwrap().port());
        let base = folder.path("slurm").display().to_string();
        let plugins = libraries(&root).into_iter().find(|path| path.join("auth_none.so").exists()).expect("plugins");
        let config = format!(
            "ClusterName=test\nSlurmctldHost={host}(127.0.0.1)\nSlurmUser={user}\nSlurmdUser={user}\n\
             AuthType=auth/none\nCredType=cred/none\nPluginDir={}\n\
             ProctrackType=proctrack/linuxproc\nSelectType=select/cons_tres\nSelectTypeParameters=CR_Core\n\
             TaskPlugin=task/none\nSwitchType=switch/none\nMpiDefault=none\n\
             AccountingStorageType=accounting_storage/none\nJobAcctGatherType=jobacct_gather/none\n\
             SlurmctldPort={control}\nSlurmdPort={node}\nReturnToService=2\nSlurmdParameters=config_overrides\n\
             SchedulerParameters=batch_sched_delay=0,sched_interval=1\n\
             StateSaveLocation={base}/state\nSlurmdSpoolDir={base}/spool\n\
             SlurmctldPidFile={base}/control.pid\nSlurmdPidFile={base}/node.pid\n\
             SlurmctldLogFile={base}/control.log\nSlurmdLogFile={base}/node.log\n\
             NodeName={host} NodeAddr=127.0.0.1 CPUs=64 RealMemory=64000\n\
             PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP\n",
            plugins.display()
        );
        folder.write("slurm/slurm.conf", config);
        ["state", "spool"].iter().for_each(|name| std::fs::create_dir(folder.path("slurm").join(name)).unwrap());
        let mut slurm = Slurm { root, folder, daemons: Vec::new() };
        slurm.daemon("slurmctld", &[]);
        let step = slurm.program("slurmstepd").display().to_string();
        slurm.daemon("slurmd", &["-d", &step]);
        slurm.wait("idle nodes", || slurm.run("sinfo --noheader --format=%t").stdout.trim() == "idle");
        slurm
    }

    /// A daemon's program, by either of the names that Debian gives it.
    fn program(&self, name: &str) -> PathBuf {
        let names = [name.to_owned(), format!("{name}-wlm")];
        let paths = names.iter().map(|name| self.root.join("usr/sbin").join(name));
        paths.into_iter().find(|path| path.is_file()).unwrap_or_else(|| panic!("no {name} in {}", self.root.display()))
    }

    /// The environment that its programs, and its jobs, run in.
    fn environment(&self) -> [(&'static str, String); 3] {
        let libraries: Vec<String> = libraries(&self.root).iter().map(|path| path.display().to_string()).collect();
        let ours = assert_cmd::cargo::cargo_bin!("approx-eval").parent().unwrap().display();
        let path = std::env::var("PATH").unwrap_or_default();
        [
            ("SLURM_CONF", self.folder.path("slurm/slurm.conf").display().to_string()),
            ("LD_LIBRARY_PATH", libraries.join(":")),
            ("PATH", format!("{ours}:{}:{path}", self.root.join("usr/bin").display())),
        ]
    }

    fn daemon(&mut self, name: &str, args: &[&str]) {
        let mut command = Command::new(self.program(name));
        command.arg("-D").args(args).envs(self.environment()).stdout(Stdio::null()).stderr(Stdio::null());
        self.daemons.push(command.spawn().unwrap());
    }

    /// Runs a script where the jobs' files lie.
    fn run(&self, script: &str) -> Run {
        let mut command = Command::new("bash");
        command.current_dir(self.folder.path("")).args(["-c", script]).envs(self.environment());
        command.output().unwrap().into()
    }

    fn wait(&self, what: &str, is_so: impl Fn() -> bool) {
        let start = Instant::now();
        while !is_so() {
            if start.elapsed() > Duration::from_secs(90) {
                let logs = self.run("tail -n 20 slurm/*.log *.log; squeue; sinfo");
                panic!("no {what}: {}", logs.stdout);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until no job is left.
    fn drain(&self) {
        self.wait("empty queue", || {
            let queue = self.run("squeue --noheader");
            queue.code == Some(0) && queue.stdout.is_empty()
        });
    }
}

/// The folders of its libraries.
fn libraries(root: &Path) -> Vec<PathBuf> {
    let below = |path: &Path, is_wanted: fn(&str) -> bool| {
        let entries = path.read_dir().into_iter().flatten().map(|entry| entry.unwrap());
        let wanted = entries.filter(|entry| is_wanted(&entry.file_name().to_string_lossy()));
        wanted.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let own = below(&root.join("usr/lib"), |name| name.ends_with("-linux-gnu"));
    let plugins: Vec<PathBuf> = own.iter().flat_map(|path| below(path, |name| name.starts_with("slurm"))).collect();
    own.into_iter().chain(plugins).collect()
}

#[test]
fn slurm_does_what_the_page_says() {
    let Some(root) = std::env::var_os("APPROX_EVAL_SLURM") else {
        println!("skipped: APPROX_EVAL_SLURM names no Slurm");
        return;
    };
    // Its parts take a second or more.
    let (folder, expected) = study(10_000);
    for name in ["sweep.sbatch", "merge.sbatch", "submit.sh"] {
        folder.write(name, script(name));
    }
    let slurm = Slurm::start(root.into(), folder);
    let folder = &slurm.folder;
    let submit = || {
        let run = slurm.run("bash submit.sh");
        assert_eq!(run.code, Some(0), "{run:?}");
    };
    submit();
    // One task, that of the most jobs, is killed midway.
    let journal = folder.path("study/jobs-8-of-8.jsonl");
    slurm.wait("first job of part 8", || journal.metadata().is_ok_and(|found| found.len() > 0));
    let task = slurm.run("squeue --noheader --array --name=sweep --format=%F_%K | grep _8$");
    let killed = slurm.run(&format!("scancel --full --signal=KILL {}", task.stdout.trim()));
    assert!(!task.stdout.is_empty() && killed.code == Some(0), "{task:?} {killed:?}");
    slurm.drain();
    let run = folder.run_to(1, "sweep merge study --format csv");
    assert!(run.stderr.contains("jobs are missing") && (2..=JOBS).contains(&run.stdout.lines().count()), "{run:?}");
    assert!(!folder.path("table.csv").exists(), "the merge waits for all parts");
    let journals = || (1..=8).map(|k| folder.read(&format!("study/jobs-{k}-of-8.jsonl"))).collect::<Vec<_>>();
    let before = journals();
    // Submitted again, what is left is done, and nothing twice.
    submit();
    slurm.drain();
    let table = folder.path("table.csv");
    assert!(table.exists(), "{}", slurm.run("tail -n 20 *.log slurm/*.log").stdout);
    assert_eq!(String::from_utf8(folder.read("table.csv")).unwrap(), expected);
    let after = journals();
    for (before, after) in before.iter().zip(&after) {
        let whole = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        assert!(after.starts_with(&before[..whole]));
    }
    let lines: usize = after.iter().flatten().filter(|byte| **byte == b'\n').count();
    assert_eq!(lines, JOBS);
}

/// The line without a scheduler, and the pods of the Kubernetes job, one after the other.
#[test]
fn other_schedulers_do_too() {
    let (folder, expected) = study(30);
    let page = of_the_project("docs/cluster.md");
    let lines = blocks(&page, "bash").concat();
    let line = lines.lines().find(|line| line.contains("xargs")).expect("a line with xargs");
    let output = folder.shell(line).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(merged(&folder, "study"), expected);

    let manifest = YamlLoader::load_from_str(&blocks(&page, "yaml")[0]).unwrap().remove(0);
    let spec = &manifest["spec"];
    let container = &spec["template"]["spec"]["containers"][0];
    let text = |value: &Yaml| value.as_str().unwrap().to_owned();
    let variable = &container["env"][0];
    assert_eq!(text(&spec["completionMode"]), "Indexed");
    assert_eq!(text(&variable["value"]), spec["completions"].as_i64().unwrap().to_string());
    let words: Vec<String> = container["command"].as_vec().unwrap().iter().map(text).collect();
    let command = words.join(" ").replace("/study/", "");
    for index in 0..spec["completions"].as_i64().unwrap() {
        let mut pod = folder.shell(&command);
        pod.env("JOB_COMPLETION_INDEX", index.to_string()).env(text(&variable["name"]), text(&variable["value"]));
        let output = pod.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(merged(&folder, "out"), expected);
}
