//! Whole searches on made-up networks, whose best assignment brute force knows.

use super::*;
use crate::report::SearchSamples;
use crate::task::{Metric, Predictions, Task};
use proptest::prelude::*;
use std::convert::Infallible;

/// A network whose drop is the sum of its layers' harms and of what pairs of layers do together. Drops differ a little
/// from part to part.
struct Toy {
    harms: Vec<Vec<f64>>,
    together: f64,
    noise: f64,
    measured: Vec<(Choice, Part)>,
}

impl Toy {
    fn drop(&self, choice: &[usize], part: Part) -> f64 {
        let own: f64 = choice.iter().zip(&self.harms).map(|(&option, harms)| harms[option]).sum();
        let pairs = choice.windows(2).filter(|pair| pair[0] > 0 && pair[1] > 0).count();
        let code = choice.iter().fold(part as usize * 7 + 1, |code, option| code * 31 + option * 17 + 3);
        let noise = if own > 0.0 { self.noise * ((code % 21) as f64 / 10.0 - 1.0) } else { 0.0 };
        own + self.together * pairs as f64 + noise
    }
}

fn degradation(drop: f64) -> Degradation {
    let labels = vec![0; 1000];
    let lost = (drop.clamp(0.0, 1.0) * 1000.0).round() as usize;
    let run: Vec<u32> = (0..1000).map(|i| u32::from(i < lost)).collect();
    let [reference, run] = [&labels, &run].map(|classes| Predictions::from_classes(&labels, classes));
    let comparison = crate::task::Comparison::new(&reference, &run).unwrap();
    let metric = Metric { task: Task::Classification, value: 1.0 - drop };
    Degradation { drop, drop_ci95: [drop; 2], ..Degradation::new(metric, &comparison, None, None) }
}

impl Evaluator for Toy {
    type Error = Infallible;

    fn measure(&mut self, choice: &[usize], part: Part) -> Result<Degradation, Infallible> {
        assert!(!self.measured.contains(&(choice.to_vec(), part)), "{choice:?} was measured before");
        self.measured.push((choice.to_vec(), part));
        Ok(degradation(self.drop(choice, part)))
    }

    fn share_before(&mut self, _: Option<usize>) {}

    fn tolerances(&mut self) -> Result<Vec<f64>, Infallible> {
        Ok(vec![0.1; self.harms.len()])
    }

    fn deviations(&mut self) -> Result<Option<Vec<Vec<f64>>>, Infallible> {
        Ok(Some(self.harms.clone()))
    }

    fn begin(&mut self, _: &'static str, _: usize, _: Part) {}
}

fn toy(noise: f64) -> (Space, Toy) {
    let space = Space::new(vec![5.0, 1.0, 3.0, 2.0], vec![1.0, 0.8, 0.5, 0.2], 0.0, 0.0, None);
    let layer = |scale: f64| vec![0.0, 0.001 * scale, 0.004 * scale, 0.02 * scale];
    let harms = [1.0, 4.0, 0.3, 2.0].map(layer).to_vec();
    (space, Toy { harms, together: 0.0005, noise, measured: Vec::new() })
}

fn plan() -> SearchPlan {
    let samples = SearchSamples { scan: 1000, search: 1000, confirmation: 1000 };
    SearchPlan { confidence: 0.5, ..SearchPlan::new(samples) }
}

fn all() -> impl Iterator<Item = Choice> {
    (0..256usize).map(|code| (0..4).map(|layer| code >> (2 * layer) & 3).collect())
}

/// Of 256 choices the best one within the bound is found by the genetic algorithm, and by the knapsack nearly.
#[test]
fn the_best_choice_is_found() {
    let (space, mut toy) = toy(0.0);
    let plan = SearchPlan { max_drop: 0.01, generations: 20, ..plan() };
    let found = run(&space, &plan, &mut toy).unwrap();
    let within = all().filter(|choice| toy.drop(choice, Part::Search) <= 0.01);
    let best = within.map(|choice| space.cost(&choice)).min_by(f64::total_cmp).unwrap();
    assert!(
        (space.cost(&found.chosen) - best).abs() < 1e-12,
        "{:?}: {}, {best}",
        found.chosen,
        space.cost(&found.chosen)
    );
    let uniform = (0..4).map(|option| space.uniform(option)).filter(|choice| toy.drop(choice, Part::Search) <= 0.01);
    let uniform = uniform.min_by(|a, b| space.cost(a).total_cmp(&space.cost(b))).unwrap();
    assert_eq!(found.uniform, uniform);
    let cost = |choice: &Choice| space.cost(choice);
    assert!(cost(&found.chosen) <= cost(&found.greedy) && cost(&found.greedy) < 1.0);
    assert!(found.methods.iter().all(|(_, choice)| cost(&found.chosen) <= cost(choice)) && found.methods.len() == 3);
    for part in [Part::Scan, Part::Search, Part::Confirmation] {
        assert!(found.points[&found.chosen].found.contains_key(&part), "{part:?}");
    }
    assert!(found.stopped.is_none() && toy.measured.len() < 256);
}

#[test]
fn limits_are_kept() {
    let (space, mut toy) = toy(0.0);
    let plan = SearchPlan { max_evaluations: Some(30), max_drop: 0.01, ..plan() };
    let found = run(&space, &plan, &mut toy).unwrap();
    assert_eq!((found.points.len(), found.stopped), (30, Some(Stop::Evaluations)));
    assert!(found.points[&found.chosen].found[&Part::Search].drop <= 0.01);
    let (space, mut again) = self::toy(0.0);
    let plan = SearchPlan { time_limit: Some(std::time::Duration::ZERO), ..plan };
    let found = run(&space, &plan, &mut again);
    assert!(found.is_ok_and(|found| found.stopped == Some(Stop::Time)));
}

/// Nothing but exact products stands a bound that all multipliers break.
#[test]
fn exact_products_are_what_is_left() {
    let (space, mut toy) = toy(0.0);
    let found = run(&space, &SearchPlan { max_drop: 1e-6, ..plan() }, &mut toy).unwrap();
    let exact = space.uniform(EXACT);
    assert_eq!((&found.chosen, &found.uniform, &found.greedy), (&exact, &exact, &exact));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is drawn, the result is within the bound and the limit, and the seed alone decides it.
    #[test]
    fn results_are_allowed(seed in 0u64..1000, most in 2usize..4, noise in 0.0f64..0.002) {
        let (mut space, mut first) = toy(noise);
        space = Space::new(vec![5.0, 1.0, 3.0, 2.0], (0..space.options()).map(|i| 1.0 - 0.25 * i as f64).collect(), 0.0, 0.0, Some(most));
        let plan = SearchPlan { max_drop: 0.012, seed, generations: 5, max_multipliers: Some(most), ..plan() };
        let found = run(&space, &plan, &mut first).unwrap();
        prop_assert!(space.allows(&found.chosen));
        prop_assert!(first.drop(&found.chosen, Part::Search) <= 0.012);
        prop_assert!(space.cost(&found.chosen) <= space.cost(&found.greedy));
        let mut second = toy(noise).1;
        let again = run(&space, &plan, &mut second).unwrap();
        prop_assert_eq!((found, first.measured), (again, second.measured));
    }
}
