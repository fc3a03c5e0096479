//! Ranks of solutions by several objectives, all of which are to be small (Deb, Pratap, Agarwal, Meyarivan: "A fast and
//! elitist multiobjective genetic algorithm: NSGA-II", 2002).

use std::cmp::Ordering;

/// What a solution reaches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// How far it is outside of what is allowed; 0 within.
    pub violation: f64,
    /// What is to be small.
    pub objectives: [f64; 2],
}

impl Point {
    /// Whether it is better than `other` in one respect and no worse in any: within what is allowed, by objectives; else
    /// the one that is less far outside (constrained domination).
    pub fn dominates(&self, other: &Point) -> bool {
        match self.violation.total_cmp(&other.violation) {
            Ordering::Equal if self.violation > 0.0 => false,
            Ordering::Equal => {
                let pairs = || self.objectives.iter().zip(&other.objectives);
                pairs().all(|(a, b)| a <= b) && pairs().any(|(a, b)| a < b)
            }
            order => order == Ordering::Less,
        }
    }
}

/// The fronts of `points`: those that no other dominates, those that only points of the first dominate, and so on.
pub fn fronts(points: &[Point]) -> Vec<Vec<usize>> {
    let mut dominated: Vec<Vec<usize>> = vec![Vec::new(); points.len()];
    let mut dominators = vec![0usize; points.len()];
    for (i, point) in points.iter().enumerate() {
        for (j, other) in points.iter().enumerate() {
            if point.dominates(other) {
                dominated[i].push(j);
                dominators[j] += 1;
            }
        }
    }
    let mut fronts = Vec::new();
    let mut front: Vec<usize> = (0..points.len()).filter(|&i| dominators[i] == 0).collect();
    while !front.is_empty() {
        let mut next = Vec::new();
        for &j in front.iter().flat_map(|&i| &dominated[i]) {
            dominators[j] -= 1;
            if dominators[j] == 0 {
                next.push(j);
            }
        }
        next.sort_unstable();
        fronts.push(std::mem::replace(&mut front, next));
    }
    fronts
}

/// How much room the points of one front have: by objective, the distance of a point's neighbours over the range of
/// the front, summed; infinite at the ends.
pub fn crowding(points: &[Point], front: &[usize]) -> Vec<f64> {
    let mut room = vec![0.0; front.len()];
    for objective in 0..2 {
        let value = |place: usize| points[front[place]].objectives[objective];
        let mut order: Vec<usize> = (0..front.len()).collect();
        order.sort_by(|&a, &b| value(a).total_cmp(&value(b)).then(a.cmp(&b)));
        let [Some(&first), Some(&last)] = [order.first(), order.last()] else { continue };
        let range = value(last) - value(first);
        (room[first], room[last]) = (f64::INFINITY, f64::INFINITY);
        if range > 0.0 {
            for neighbours in order.windows(3) {
                room[neighbours[1]] += (value(neighbours[2]) - value(neighbours[0])) / range;
            }
        }
    }
    room
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point(x: u8, y: u8, violation: u8) -> Point {
        Point { violation: f64::from(violation), objectives: [f64::from(x), f64::from(y)] }
    }

    #[test]
    fn what_is_allowed_goes_first() {
        assert!(point(9, 9, 0).dominates(&point(0, 0, 1)));
        assert!(point(9, 9, 1).dominates(&point(0, 0, 2)));
        assert!(!point(0, 0, 1).dominates(&point(1, 1, 1)) && !point(1, 1, 0).dominates(&point(1, 1, 0)));
        assert!(point(1, 0, 0).dominates(&point(1, 1, 0)) && !point(0, 1, 0).dominates(&point(1, 0, 0)));
    }

    /// The neighbours of the middle point are 4 apart of 4 in the first objective, and 8 of 8 in the second.
    #[test]
    fn room_by_hand() {
        let points = [point(0, 9, 0), point(1, 3, 0), point(4, 1, 0), point(2, 2, 0)];
        let room = crowding(&points, &[0, 1, 2, 3]);
        assert_eq!((room[0], room[2]), (f64::INFINITY, f64::INFINITY));
        assert!((room[1] - (2.0 / 4.0 + 7.0 / 8.0)).abs() < 1e-12 && (room[3] - (3.0 / 4.0 + 2.0 / 8.0)).abs() < 1e-12);
        assert_eq!(crowding(&points, &[1]), [f64::INFINITY]);
        assert!(crowding(&points, &[]).is_empty());
    }

    proptest! {
        /// Front by front, by the definition: whatever is left and nothing that is left dominates.
        #[test]
        fn fronts_are_peeled_off(raw in prop::collection::vec((0u8..6, 0u8..6, 0u8..3), 0..30)) {
            let points: Vec<Point> = raw.iter().map(|&(x, y, violation)| point(x, y, violation)).collect();
            let mut left: Vec<usize> = (0..points.len()).collect();
            for front in fronts(&points) {
                let is_free = |&i: &usize| !left.iter().any(|&j| points[j].dominates(&points[i]));
                let expected: Vec<usize> = left.iter().copied().filter(is_free).collect();
                prop_assert_eq!(&front, &expected);
                left.retain(|i| !front.contains(i));
            }
            prop_assert!(left.is_empty());
        }
    }
}
