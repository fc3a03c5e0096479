//! NSGA-II over assignments of multipliers to layers, as ALWANN has it (Mrazek, Vasicek, Sekanina, Hanif, Shafique:
//! "ALWANN: Automatic layer-wise approximation of deep neural network accelerators without retraining", 2019): harm
//! against cost, with a limit to the different multipliers.
//!
//! Each generation breeds as many new choices as the population has, from parents that win tournaments of two, and the
//! best of both survive: front by front, of the last one those with the most room. No choice is looked at twice.

mod sort;

use self::sort::{Point, crowding, fronts};
use super::space::{Choice, Space};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// How a population evolves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Choices that survive a generation; at least 2.
    pub population: usize,
    /// Generations.
    pub generations: usize,
    /// Seed of all that is drawn.
    pub seed: u64,
}

/// What a choice does to the network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fitness {
    /// What is to be small beside the cost.
    pub harm: f64,
    /// How far it is outside of what is allowed; 0 within.
    pub violation: f64,
}

/// Tries to breed a choice that has not been looked at.
const TRIES: usize = 20;

/// The chance of a child having options of both parents.
const CROSSOVER: f64 = 0.9;

/// Evolves `start`, filled up with mutations of itself, and returns the last generation's first front, the dearest
/// first. `harm` is that of an option in a layer alone; `fitness` says what choices do to the network, in their order,
/// and ends it all where it has no answer.
///
/// # Errors
/// As `fitness`.
pub fn evolve<E>(
    space: &Space,
    start: &[Choice],
    settings: Settings,
    harm: impl Fn(usize, usize) -> f64,
    mut fitness: impl FnMut(&[Choice]) -> Result<Vec<Option<Fitness>>, E>,
) -> Result<Vec<Choice>, E> {
    let mut breeder = Breeder {
        space,
        harm: &harm,
        prices: space.by_price(),
        dice: ChaCha8Rng::seed_from_u64(settings.seed),
        seen: BTreeSet::new(),
    };
    let first = breeder.first(start, settings.population);
    let mut population = Population::default();
    let mut is_over = population.add(space, first.clone(), &fitness(&first)?);
    population.select(settings.population);
    for _ in 0..settings.generations {
        if is_over || population.choices.is_empty() {
            break;
        }
        let children = breeder.children(&population, settings.population);
        if children.is_empty() {
            break;
        }
        let found = fitness(&children)?;
        is_over = population.add(space, children, &found);
        population.select(settings.population);
    }
    let mut front: Vec<usize> = fronts(&population.points).into_iter().next().unwrap_or_default();
    front.sort_by(|&a, &b| population.points[b].objectives[1].total_cmp(&population.points[a].objectives[1]));
    Ok(front.into_iter().map(|i| population.choices[i].clone()).collect())
}

/// Choices with what they reach, and how good that makes them among each other.
#[derive(Debug, Default)]
struct Population {
    choices: Vec<Choice>,
    points: Vec<Point>,
    /// The front that each is of, and its room there.
    ranks: Vec<(usize, f64)>,
}

impl Population {
    /// Adds the `choices` whose fitness is known; whether that of one is not.
    fn add(&mut self, space: &Space, choices: Vec<Choice>, fitness: &[Option<Fitness>]) -> bool {
        for (choice, fitness) in choices.into_iter().zip(fitness) {
            let Some(Fitness { harm, violation }) = *fitness else { return true };
            self.points.push(Point { violation, objectives: [harm, space.cost(&choice)] });
            self.choices.push(choice);
        }
        false
    }

    /// Keeps the best `count`.
    fn select(&mut self, count: usize) {
        let mut kept: Vec<(usize, (usize, f64))> = Vec::new();
        for (rank, front) in fronts(&self.points).iter().enumerate() {
            let room = crowding(&self.points, front);
            let mut members: Vec<(usize, (usize, f64))> =
                front.iter().zip(room).map(|(&i, room)| (i, (rank, room))).collect();
            members.sort_by(|(a, (_, a_room)), (b, (_, b_room))| b_room.total_cmp(a_room).then(a.cmp(b)));
            kept.extend(members.into_iter().take(count - kept.len()));
        }
        kept.sort_by_key(|(i, _)| *i);
        self.choices = kept.iter().map(|&(i, _)| self.choices[i].clone()).collect();
        self.points = kept.iter().map(|&(i, _)| self.points[i]).collect();
        self.ranks = kept.iter().map(|&(_, rank)| rank).collect();
    }

    /// The better of two: of an earlier front, or with more room in the same one.
    fn better(&self, a: usize, b: usize) -> usize {
        let ((a_front, a_room), (b_front, b_room)) = (self.ranks[a], self.ranks[b]);
        if a_front < b_front || (a_front == b_front && a_room >= b_room) { a } else { b }
    }
}

/// Makes new choices of others.
struct Breeder<'a, H> {
    space: &'a Space,
    harm: &'a H,
    /// Options by price, in which neighbours are alike.
    prices: Vec<usize>,
    dice: ChaCha8Rng,
    /// Choices that were looked at.
    seen: BTreeSet<Choice>,
}

impl<H: Fn(usize, usize) -> f64> Breeder<'_, H> {
    /// `start`, and mutations of it up to `count`.
    fn first(&mut self, start: &[Choice], count: usize) -> Vec<Choice> {
        let mut first: Vec<Choice> = Vec::new();
        for choice in start {
            first.extend(self.fresh(self.space.repaired(choice.clone(), self.harm)));
        }
        let mut tries = 0;
        while first.len() < count && tries < TRIES * count && !first.is_empty() {
            tries += 1;
            let parent = first[self.dice.random_range(0..first.len())].clone();
            let child = self.mutated(parent);
            first.extend(self.fresh(child));
        }
        first
    }

    /// Up to `count` children of a population.
    fn children(&mut self, population: &Population, count: usize) -> Vec<Choice> {
        let mut children = Vec::new();
        let mut tries = 0;
        while children.len() < count && tries < TRIES * count {
            tries += 1;
            let [mother, father] = [(); 2].map(|()| self.parent(population));
            let child = self.crossed(&population.choices[mother], &population.choices[father]);
            let child = self.mutated(child);
            children.extend(self.fresh(child));
        }
        children
    }

    /// The winner of a tournament of two.
    fn parent(&mut self, population: &Population) -> usize {
        let [a, b] = [(); 2].map(|()| self.dice.random_range(0..population.choices.len()));
        population.better(a, b)
    }

    /// A child that has each layer of one parent or the other.
    fn crossed(&mut self, mother: &Choice, father: &Choice) -> Choice {
        if !self.dice.random_bool(CROSSOVER) {
            return mother.clone();
        }
        let pairs = mother.iter().zip(father);
        pairs.map(|(&mother, &father)| if self.dice.random_bool(0.5) { mother } else { father }).collect()
    }

    /// `choice` with about one layer changed: to an option of a price next to its own, or to any.
    fn mutated(&mut self, mut choice: Choice) -> Choice {
        let chance = 1.0 / choice.len() as f64;
        for option in &mut choice {
            if !self.dice.random_bool(chance) {
                continue;
            }
            *option = if self.dice.random_bool(0.5) {
                let place = self.prices.iter().position(|other| other == option).expect("every option has a price");
                let step = self.dice.random_range(1..=2);
                let is_up = self.dice.random_bool(0.5);
                let place = if is_up { place.saturating_sub(step) } else { (place + step).min(self.prices.len() - 1) };
                self.prices[place]
            } else {
                self.prices[self.dice.random_range(0..self.prices.len())]
            };
        }
        self.space.repaired(choice, self.harm)
    }

    /// The choice, unless it was looked at.
    fn fresh(&mut self, choice: Choice) -> Option<Choice> {
        self.seen.insert(choice.clone()).then_some(choice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    /// Harm of option `k` in layer `i`, which grows as prices fall.
    fn harm(layer: usize, option: usize) -> f64 {
        (option * option) as f64 * (1.0 + (layer * 3 % 5) as f64)
    }

    fn space(most: Option<usize>) -> Space {
        Space::new(vec![4.0, 1.0, 3.0, 2.0, 5.0], vec![1.0, 0.8, 0.55, 0.35, 0.1], 0.0, 0.0, most)
    }

    fn total(choice: &[usize]) -> f64 {
        choice.iter().enumerate().map(|(layer, &option)| harm(layer, option)).sum()
    }

    fn evolved(space: &Space, seed: u64, generations: usize) -> Vec<Choice> {
        let settings = Settings { population: 20, generations, seed };
        let fitness = |choices: &[Choice]| {
            let of = |choice: &Choice| Some(Fitness { harm: total(choice), violation: 0.0 });
            Ok::<_, Infallible>(choices.iter().map(of).collect())
        };
        evolve(space, &[space.uniform(0), space.uniform(4)], settings, harm, fitness).unwrap()
    }

    /// The area that a front dominates up to a harm of `most` and a cost of 1.
    fn hypervolume(space: &Space, front: &[Choice], most: f64) -> f64 {
        let mut points: Vec<[f64; 2]> = front.iter().map(|choice| [total(choice), space.cost(choice)]).collect();
        points.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let (mut area, mut height) = (0.0, 1.0);
        for [harm, cost] in points {
            area += (most - harm).max(0.0) * f64::max(height - cost, 0.0);
            height = height.min(cost);
        }
        area / most
    }

    /// Of 3,125 choices, a fifth are looked at, and the front covers nearly what the best front covers.
    #[test]
    fn fronts_come_close_to_the_best() {
        let space = space(None);
        let all: Vec<Choice> =
            (0..3125usize).map(|code| (0..5).map(|layer| code / 5usize.pow(layer) % 5).collect()).collect();
        let most = total(&space.uniform(4));
        let best = hypervolume(&space, &all, most);
        for seed in 0..5 {
            let found = hypervolume(&space, &evolved(&space, seed, 30), most);
            let early = hypervolume(&space, &evolved(&space, seed, 0), most);
            assert!(found > 0.95 * best && found > early, "seed {seed}: {found} of {best}, {early} at first");
        }
    }

    #[test]
    fn the_seed_decides() {
        let space = space(None);
        assert_eq!(evolved(&space, 1, 5), evolved(&space, 1, 5));
        assert_ne!(evolved(&space, 1, 5), evolved(&space, 2, 5));
    }

    /// No choice has too many options, none is looked at twice, and children do not outlive the answers.
    #[test]
    fn choices_are_allowed_and_new() {
        let space = space(Some(2));
        let mut seen: Vec<Choice> = Vec::new();
        let settings = Settings { population: 10, generations: 100, seed: 3 };
        let front = evolve(&space, &[vec![0, 1, 2, 3, 4]], settings, harm, |choices: &[Choice]| {
            assert!(choices.iter().all(|choice| space.allows(choice) && !seen.contains(choice)));
            seen.extend_from_slice(choices);
            let of = |choice: &Choice| Some(Fitness { harm: total(choice), violation: 0.0 });
            Ok::<_, Infallible>(choices.iter().map(|choice| of(choice).filter(|_| seen.len() < 60)).collect())
        });
        assert!(seen.len() >= 60 && seen.len() <= 70, "{}", seen.len());
        assert!(front.unwrap().iter().all(|choice| space.allows(choice)));
    }

    /// What is allowed survives, however costly.
    #[test]
    fn what_is_not_allowed_dies_out() {
        let space = space(None);
        let settings = Settings { population: 10, generations: 20, seed: 0 };
        let front = evolve(&space, &[space.uniform(4), space.uniform(1)], settings, harm, |choices: &[Choice]| {
            let of = |choice: &Choice| Fitness { harm: total(choice), violation: (total(choice) - 30.0).max(0.0) };
            Ok::<_, Infallible>(choices.iter().map(|choice| Some(of(choice))).collect())
        });
        let front = front.unwrap();
        assert!(front.iter().all(|choice| total(choice) <= 30.0) && front.len() > 3, "{front:?}");
    }
}
