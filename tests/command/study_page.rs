//! `report`: a study's folder as a page. Journals are written here, line by line, from single evaluations; what the
//! page and its document say is compared with what follows from those by trying everything.

use crate::common::network::{TINY, Tiny};
use crate::common::{Folder, number, text};
use serde_json::{Value, json};

const LUTS: [&str; 4] = ["drum-3", "truncated-8", "truncated-11", "broken-array-h4-v8"];
const LAYERS: [&str; 5] = ["conv1", "conv2", "fc1", "fc2", "fc3"];

/// A line of a journal: a finished job.
fn line(index: usize, lut: Option<&str>, scope: &str, layer: Option<&str>, report: &Value) -> String {
    let mode = if lut.is_some() { "approx" } else { "quant" };
    let settings = json!({"mode": mode, "act-bits": "8"});
    let job = json!({"index": index, "model": "tiny", "data": "tiny.safetensors", "lut": lut, "scope": scope,
        "layer": layer, "settings": settings});
    format!("{}\n", json!({"schema": 1, "key": format!("{index:032x}"), "job": job, "report": report}))
}

/// The lines of a study of the tiny network: exact products, each multiplier in all layers, and in each alone.
fn study() -> (Folder, Vec<String>) {
    let (_, folder) = Tiny::folder(517);
    let mut lines = Vec::new();
    let quant = folder.json(&format!("{TINY} --mode quant --coding sign-magnitude"));
    lines.push(line(0, None, "all", None, &quant));
    for lut in LUTS {
        let report = folder.json(&format!("{TINY} --lut {lut}"));
        lines.push(line(lines.len(), Some(lut), "all", None, &report));
    }
    for layer in LAYERS {
        for lut in LUTS {
            let rule = format!("{layer}:mode=approx,lut={lut}");
            let report = folder.json(&format!("{TINY} --mode quant --coding sign-magnitude --set {rule}"));
            lines.push(line(lines.len(), Some(lut), "each", Some(layer), &report));
        }
    }
    folder.write("study/jobs.jsonl", lines.concat());
    let plan: Vec<Value> =
        lines.iter().map(|line| parsed(line)).map(|line| json!({"key": line["key"], "job": line["job"]})).collect();
    folder
        .write("study/study.json", json!({"schema": 1, "kind": "sweep", "tool": {"name": "approx-eval", "version": "0.2.0"}, "jobs": plan.len(), "plan": plan}).to_string());
    (folder, lines)
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

/// The data that a page's script reads.
fn data(folder: &Folder, page: &str) -> Value {
    let html = String::from_utf8(folder.read(page)).unwrap();
    let data = html.split("<script type=\"application/json\" id=\"study\">").nth(1).unwrap();
    parsed(data.split("</script>").next().unwrap())
}

/// Energy of one multiplication of each multiplier.
fn energies(lines: &[String]) -> Vec<f64> {
    let uniform = |lut: &str| lines.iter().map(|line| parsed(line)).find(|line| line["job"]["lut"] == lut).unwrap();
    LUTS.iter().map(|lut| number(&uniform(lut), "/report/opcount/energy/relative")).collect()
}

/// The best of all assignments of multipliers to layers, each tried: the least energy within a drop, in samples.
fn least_energy(lines: &[String], most: i64) -> f64 {
    let jobs: Vec<Value> = lines.iter().map(|line| parsed(line)).collect();
    let correct = |job: &Value| number(job, "/report/accuracy/correct") as i64;
    let exact = correct(&jobs[0]);
    let opcount = |layer: usize| number(&jobs[0], &format!("/report/layers/{layer}/opcount"));
    let all: f64 = (0..LAYERS.len()).map(opcount).sum();
    let energies = energies(lines);
    // The last choice is exact products.
    let cost = |layer: usize, choice: usize| -> (i64, f64) {
        let share = opcount(layer) / all;
        if choice == LUTS.len() {
            return (0, share);
        }
        let (name, lut) = (json!(LAYERS[layer]), json!(LUTS[choice]));
        let job = jobs.iter().find(|job| job["job"]["layer"] == name && job["job"]["lut"] == lut).unwrap();
        ((exact - correct(job)).max(0), share * energies[choice])
    };
    let choices = LUTS.len() + 1;
    let assignments = (0..choices.pow(LAYERS.len() as u32)).map(|code| {
        let chosen = (0..LAYERS.len()).map(|layer| cost(layer, code / choices.pow(layer as u32) % choices));
        chosen.fold((0, 0.0), |sum, cost| (sum.0 + cost.0, sum.1 + cost.1))
    });
    assignments.filter(|(drop, _)| *drop <= most).map(|(_, energy)| energy).fold(f64::INFINITY, f64::min)
}

#[test]
fn verdicts_are_the_best_of_all() {
    let (folder, lines) = study();
    // One sample is a tenth of the set.
    for (bound, samples) in [("0", 0), ("0.1", 1), ("0.35", 3)] {
        let report = folder.json(&format!("report study -o page.html --bound {bound}"));
        let verdict = &report["verdicts"][0];
        assert_eq!(
            (text(verdict, "/network"), number(&report, "/bound")),
            ("tiny on tiny.safetensors", bound.parse().unwrap())
        );
        let exact = parsed(&lines[0]);
        assert_eq!(number(verdict, "/baseline"), number(&exact, "/report/accuracy/top1"));
        assert!((number(verdict, "/mix/energy") - least_energy(&lines, samples)).abs() < 1e-12, "{bound}");
        assert!(number(verdict, "/mix/predicted_drop") <= number(&report, "/bound") + 1e-12);
        // The cheapest of all layers alike.
        let drop = |job: &Value| number(verdict, "/baseline") - number(job, "/report/accuracy/top1");
        let uniform = lines[1..=LUTS.len()].iter().map(|line| parsed(line));
        let within = uniform.filter(|job| drop(job) <= number(&report, "/bound") + 1e-9);
        let energy = |job: &Value| number(job, "/report/opcount/energy/relative");
        let best = within.min_by(|a, b| energy(a).total_cmp(&energy(b)));
        assert_eq!(verdict["uniform"]["multiplier"], best.map_or(Value::Null, |job| job["job"]["lut"].clone()));
    }
}

/// The assignment that a page suggests is one that the command takes, and that it evaluates as predicted where one
/// layer has all of the drop.
#[test]
fn rows_are_those_of_the_journal() {
    let (folder, lines) = study();
    let run = folder.run_to(0, "report study -o page.html --title Trial");
    assert!(run.stdout.contains("25 of 25") && run.stdout.contains("truncated"), "{}", run.stdout);
    let page = data(&folder, "page.html");
    assert_eq!((text(&page, "/title"), page["runs"]["network"].as_array().unwrap().len()), ("Trial", lines.len()));
    for (i, job) in lines.iter().map(|line| parsed(line)).enumerate() {
        let value = number(&page, &format!("/runs/value/{i}"));
        assert!((value - number(&job, "/report/accuracy/top1")).abs() < 1e-6);
        let drop = number(&parsed(&lines[0]), "/report/accuracy/top1") - value;
        assert!((number(&page, &format!("/runs/drop/{i}")) - drop).abs() < 1e-6);
        let ends = [0, 1].map(|end| number(&job, &format!("/report/accuracy/ci95/{end}")));
        let shown = ["low", "high"].map(|end| number(&page, &format!("/runs/{end}/{i}")));
        assert!(ends.iter().zip(shown).all(|(end, shown)| (end - shown).abs() < 1e-6));
    }
    // Tables of designs are made again for their heat maps.
    let maps = page["multipliers"].as_array().unwrap();
    assert!(maps.len() == LUTS.len() && maps.iter().all(|multiplier| multiplier["heat_map"].is_object()));
}

#[test]
fn shards_are_one_study_and_what_is_missing_is_said() {
    let (folder, lines) = study();
    let shards: [Vec<&String>; 2] = [0, 1].map(|odd| lines.iter().skip(odd).step_by(2).collect());
    for (i, shard) in shards.iter().enumerate() {
        let text: String = shard.iter().map(|line| line.as_str()).collect();
        folder.write(&format!("shard{i}/jobs-{}-of-2.jsonl", i + 1), text);
        folder.write(&format!("shard{i}/study.json"), folder.read("study/study.json"));
    }
    let whole = folder.json("report study -o page.html");
    let joined = folder.json("report shard0 shard1 -o joined.html");
    assert_eq!((&joined["verdicts"], &joined["jobs"]), (&whole["verdicts"], &whole["jobs"]));
    assert_eq!(data(&folder, "joined.html")["runs"], data(&folder, "page.html")["runs"]);
    let half = folder.json("report shard0 -o half.html");
    assert_eq!((number(&half, "/jobs/planned"), number(&half, "/jobs/done")), (25.0, 13.0));
    assert_eq!(half["jobs"]["missing"][0], "tiny tiny.safetensors drum-3");
    // A torn last line is a job that was not finished.
    folder.write("torn/jobs.jsonl", format!("{}{}", lines[..6].concat(), &lines[6][..40]));
    assert_eq!(number(&folder.json("report torn -o torn.html"), "/jobs/done"), 6.0);
}

#[test]
fn without_exact_products_the_page_says_so() {
    let (folder, lines) = study();
    folder.write("other/jobs.jsonl", lines[1..].concat());
    let report = folder.json("report other -o page.html");
    assert!(text(&report, "/verdicts/0/baseline_label").contains("no evaluation with exact products"));
    let page = data(&folder, "page.html");
    assert_eq!(page["networks"][0]["baseline"]["kind"], "best");
}

#[test]
fn folders_that_cannot_be_shown_are_refused() {
    let (folder, lines) = study();
    std::fs::create_dir(folder.path("empty")).unwrap();
    folder.refuses("report empty -o page.html", &["empty", "jobs.jsonl"]);
    folder.refuses("report missing -o page.html", &["missing", "cannot read"]);
    folder.refuses("report study -o page.txt", &["page.txt", ".html"]);
    folder.refuses("report study -o nowhere/page.html", &["--output", "nowhere"]);
    folder.refuses("report study -o page.html --bound 2", &["--bound", "0 to 1"]);
    folder.write("bad/jobs.jsonl", format!("{}nonsense\n{}", lines[0], lines[1]));
    folder.refuses("report bad -o page.html", &["bad/jobs.jsonl", "line 2"]);
    let mut other = parsed(&lines[1]);
    other["report"]["accuracy"]["top1"] = json!(0.123);
    folder.write("other/jobs.jsonl", format!("{other}\n"));
    folder.refuses("report study other -o page.html", &["other/jobs.jsonl", "study/jobs.jsonl", "0.123"]);
}

#[cfg(unix)]
mod in_a_browser {
    use super::*;
    use crate::common::browser::Browser;

    /// What the verdict's card says: its text, and the multiplier of each layer.
    fn verdict(browser: &mut Browser) -> (String, Vec<String>) {
        let answer = browser.texts(".verdict .answer").concat();
        (answer, browser.texts(".verdict tbody tr td:nth-child(3)"))
    }

    #[test]
    fn pages_say_what_the_command_says_under_any_bound() {
        let Some(mut browser) = Browser::start() else { return };
        let (folder, _) = study();
        folder.run_to(0, "report study -o page.html");
        browser.open(&folder.path("page.html"));
        for bound in ["0", "0.1", "0.2", "0.35"] {
            let report = folder.json(&format!("report study -o other.html --bound {bound}"));
            browser.enter("#bound", &(100.0 * bound.parse::<f64>().unwrap()).to_string());
            let (answer, layers) = verdict(&mut browser);
            let mix = report["verdicts"][0]["mix"]["layers"].as_array().unwrap();
            let expected: Vec<&str> = mix.iter().map(|layer| layer[1].as_str().unwrap_or("exact")).collect();
            assert_eq!(layers, expected, "{bound}");
            match report["verdicts"][0]["uniform"]["multiplier"].as_str() {
                Some(name) => assert!(answer.contains(&format!("{name} in all layers")), "{bound}: {answer}"),
                None => assert!(answer.starts_with("None of 4 multipliers saves"), "{bound}: {answer}"),
            }
        }
        // What it suggests can be evaluated, by the file as by the command.
        let file = browser.run("document.querySelector('a[download]').download");
        assert_eq!(file, "tiny-on-tiny.safetensors-mix.json");
        let commands = browser.texts("pre.command");
        let rules = commands[1].strip_prefix("approx-eval ").unwrap();
        let run = folder.shell(&format!("approx-eval {rules} --format json")).output().unwrap();
        assert!(run.status.success(), "{rules}: {}", String::from_utf8_lossy(&run.stderr));
        let report: Value = serde_json::from_slice(&run.stdout).unwrap();
        let used: Vec<&str> =
            report["layers"].as_array().unwrap().iter().map(|layer| layer["lut"].as_str().unwrap_or("exact")).collect();
        assert_eq!(used, verdict(&mut browser).1);
        assert_eq!(browser.complaints(), [""; 0]);
    }

    #[test]
    fn tables_are_sorted_and_filtered() {
        let Some(mut browser) = Browser::start() else { return };
        let (folder, _) = study();
        folder.run_to(0, "report study -o page.html");
        browser.open(&folder.path("page.html"));
        let column =
            |browser: &mut Browser, n: usize| browser.texts(&format!("#evaluations tbody tr > :nth-child({n})"));
        let status = |browser: &mut Browser| browser.texts("#evaluations [role=status]").concat();
        assert_eq!((column(&mut browser, 2).len(), status(&mut browser)), (25, "25 evaluations".to_owned()));
        let press = "#evaluations thead th:nth-child(2) button";
        let sort = |browser: &mut Browser| browser.run("document.querySelector('#evaluations th[aria-sort]').ariaSort");
        browser.click(press);
        let mut names = column(&mut browser, 2);
        names.dedup();
        assert_eq!(names, ["broken-array-h4-v8", "drum-3", "exact", "truncated-8", "truncated-11"]);
        assert_eq!(sort(&mut browser), "ascending");
        browser.click(press);
        assert_eq!(sort(&mut browser), "descending");
        assert_eq!(column(&mut browser, 2).first().map(String::as_str), Some("truncated-11"));
        browser.enter("#filter-text", "TRUNCATED-8 fc");
        assert_eq!(
            (column(&mut browser, 4), status(&mut browser)),
            (["fc1", "fc2", "fc3"].map(str::to_owned).to_vec(), "3 evaluations of 25".to_owned())
        );
        browser.enter("#filter-text", "");
        browser.enter("#filter-scope", "all");
        assert_eq!(column(&mut browser, 3), vec!["all"; 5]);
        browser.enter("#filter-most", "0");
        let drops = column(&mut browser, 8);
        assert!(
            !drops.is_empty() && drops.iter().all(|drop| drop.starts_with('\u{2212}') || drop == "0.00"),
            "{drops:?}"
        );
        assert_eq!(browser.complaints(), [""; 0]);
    }

    /// Colors follow the reader's system and the switch; paper is light.
    #[test]
    fn pages_are_dark_and_light() {
        let Some(mut browser) = Browser::start() else { return };
        let (folder, _) = study();
        folder.run_to(0, "report study -o page.html");
        let lightness = |browser: &mut Browser| {
            let color = browser.run("getComputedStyle(document.body).backgroundColor");
            let color = color.as_str().unwrap().to_owned();
            let parts: Vec<f64> = color.split(['(', ',', ')']).filter_map(|part| part.trim().parse().ok()).collect();
            parts[..3].iter().sum::<f64>() / 3.0
        };
        browser.prefers("light", "screen");
        browser.open(&folder.path("page.html"));
        assert!(lightness(&mut browser) > 240.0);
        browser.prefers("dark", "screen");
        assert!(lightness(&mut browser) < 40.0);
        browser.click("#theme input[value=light]");
        assert!(lightness(&mut browser) > 240.0);
        browser.click("#theme input[value=dark]");
        browser.prefers("light", "screen");
        assert!(lightness(&mut browser) < 40.0);
        browser.prefers("dark", "print");
        assert!(lightness(&mut browser) > 240.0, "paper is light");
        // Nothing is wider than a phone, but for what scrolls in a frame of its own.
        browser.prefers("light", "screen");
        browser.resize(390, 800);
        browser.settle();
        assert_eq!(browser.run("document.documentElement.scrollWidth <= innerWidth"), true);
        assert_eq!(browser.complaints(), [""; 0]);
    }

    /// Names from files are text, whatever they are.
    #[test]
    fn names_are_not_markup() {
        const EVIL: &str = "</script><img src=x onerror=alert(1)>\u{202e}";
        let Some(mut browser) = Browser::start() else { return };
        let (folder, lines) = study();
        let evil = |line: &String| {
            let mut line = parsed(line);
            for place in ["/report/model/name", "/report/dataset/name", "/job/model", "/job/layer", "/job/lut"] {
                let value = line.pointer_mut(place).unwrap();
                if value.is_string() {
                    *value = json!(format!("{EVIL}{}", value.as_str().unwrap()));
                }
            }
            for layer in line["report"]["layers"].as_array_mut().unwrap() {
                layer["name"] = json!(format!("{EVIL}{}", layer["name"].as_str().unwrap()));
            }
            format!("{line}\n")
        };
        folder.write("evil/jobs.jsonl", lines.iter().map(evil).collect::<String>());
        folder.run_to(0, &format!("report evil -o page.html --title {}", "<b>x</b>"));
        browser.open(&folder.path("page.html"));
        assert_eq!(browser.run("document.querySelectorAll('img, main b, svg script').length"), 0);
        let heading = browser.texts(".verdict h3").concat();
        assert!(heading.starts_with("</script><img src=x onerror=alert(1)>\\u{202e}tiny"), "{heading}");
        assert_eq!(browser.texts("h1"), ["<b>x</b>"]);
        assert_eq!(browser.complaints(), [""; 0]);
    }

    /// A page of a large study shows a part of its rows at a time, however it is sorted and filtered.
    #[test]
    fn large_studies_are_shown_in_parts() {
        const TIMES: usize = 400;
        let Some(mut browser) = Browser::start() else { return };
        let (folder, _) = study();
        folder.run_to(0, "report study -o page.html");
        let html = String::from_utf8(folder.read("page.html")).unwrap();
        let mut page = data(&folder, "page.html");
        let start = "<script type=\"application/json\" id=\"study\">";
        let (head, rest) = html.split_once(start).unwrap();
        let (_, tail) = rest.split_once("</script>").unwrap();
        let repeat = |column: &mut Value| {
            let rows = column.as_array().unwrap().clone();
            *column = rows.iter().cycle().take(rows.len() * TIMES).cloned().collect();
        };
        for (_, column) in page["runs"].as_object_mut().unwrap() {
            if column.is_array() { repeat(column) } else { repeat(&mut column["at"]) }
        }
        folder.write("large.html", format!("{head}{start}{page}</script>{tail}"));
        browser.open(&folder.path("large.html"));
        assert_eq!(browser.texts("#evaluations [role=status]"), ["1 to 50 of 10,000 evaluations"]);
        browser.click("#evaluations thead th:nth-child(6) button");
        browser.enter("#filter-text", "fc");
        assert_eq!(browser.texts("#evaluations [role=status]"), ["1 to 50 of 4,800 evaluations of 10,000"]);
        assert_eq!(browser.texts("#evaluations tbody tr").len(), 50);
        browser.click("#evaluations .pager button:last-child");
        assert_eq!(browser.texts("#evaluations [role=status]"), ["51 to 100 of 4,800 evaluations of 10,000"]);
        assert!(browser.run("document.querySelectorAll('#evaluations *').length").as_u64().unwrap() < 2_000);
        assert_eq!(browser.complaints(), [""; 0]);
    }
}
