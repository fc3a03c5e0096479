//! Labels beside their points, none over another one.

/// A rectangle of a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Area {
    pub fn right(&self) -> f64 {
        self.left + self.width
    }

    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }

    pub fn corners(&self) -> [[f64; 2]; 4] {
        let (left, top, right, bottom) = (self.left, self.top, self.right(), self.bottom());
        [[left, top], [right, top], [right, bottom], [left, bottom]]
    }

    pub fn overlaps(&self, other: &Area) -> bool {
        self.left < other.right() && other.left < self.right() && self.top < other.bottom() && other.top < self.bottom()
    }

    fn is_inside(&self, other: &Area) -> bool {
        self.left >= other.left
            && self.top >= other.top
            && self.right() <= other.right()
            && self.bottom() <= other.bottom()
    }

    /// The point of it that is nearest to another.
    pub fn nearest(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [x.clamp(self.left, self.right()), y.clamp(self.top, self.bottom())]
    }
}

/// What labels keep away from.
#[derive(Debug, Clone)]
pub(super) struct Ground {
    /// Where labels may be.
    pub bounds: Area,
    /// What no label may cover.
    pub taken: Vec<Area>,
    /// What labels had better not cover.
    pub lines: Vec<Area>,
}

/// Distances from its point that a label is tried at, the nearest first.
const DISTANCES: [f64; 9] = [6.0, 10.0, 16.0, 24.0, 34.0, 46.0, 60.0, 80.0, 110.0];

/// How much farther away a label may be for one line less under it.
const LINE: f64 = 14.0;

/// Where labels begin as seen from their points: a step to the right and a step down, the best first.
const DIRECTIONS: [[f64; 2]; 12] = [
    [1.0, 0.0],
    [0.7, -0.7],
    [0.7, 0.7],
    [-1.0, 0.0],
    [-0.7, -0.7],
    [-0.7, 0.7],
    [0.0, -1.0],
    [0.0, 1.0],
    [0.4, -0.9],
    [0.4, 0.9],
    [-0.4, -0.9],
    [-0.4, 0.9],
];

/// The places of labels of these sizes at these points; `None` for those that there is no room for. Labels come in
/// the order of importance: each takes the best place that those before it have left.
pub(super) fn place(labels: &[([f64; 2], [f64; 2])], ground: &Ground) -> Vec<Option<Area>> {
    let mut taken = ground.taken.clone();
    let place = |&(point, size): &([f64; 2], [f64; 2])| {
        let fits = |area: &Area| area.is_inside(&ground.bounds) && !taken.iter().any(|other| area.overlaps(other));
        let places = DISTANCES.iter().flat_map(|&distance| {
            let directions = DIRECTIONS.iter().enumerate();
            directions.map(move |(i, &direction)| (distance + 0.3 * i as f64, beside(point, size, direction, distance)))
        });
        let cost = |(cost, area): (f64, Area)| {
            let lines = ground.lines.iter().filter(|line| area.overlaps(line)).count();
            (cost + LINE * lines as f64, area)
        };
        let best = places.filter(|(_, area)| fits(area)).map(cost).min_by(|a, b| a.0.total_cmp(&b.0));
        let area = best.map(|(_, area)| area)?;
        taken.push(area);
        Some(area)
    };
    labels.iter().map(place).collect()
}

/// A label of that size whose nearest point is `distance` away in that direction.
fn beside([x, y]: [f64; 2], [width, height]: [f64; 2], [right, down]: [f64; 2], distance: f64) -> Area {
    let offset = |step: f64, length: f64| match step {
        step if step >= 0.3 => step * distance,
        step if step <= -0.3 => step * distance - length,
        _ => -length / 2.0,
    };
    Area { left: x + offset(right, width), top: y + offset(down, height), width, height }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOUNDS: Area = Area { left: 0.0, top: 0.0, width: 400.0, height: 300.0 };

    #[test]
    fn a_label_is_to_the_right_where_there_is_room() {
        let ground = |taken| Ground { bounds: BOUNDS, taken, lines: Vec::new() };
        let [free, edge] =
            [[100.0, 100.0], [390.0, 100.0]].map(|point| place(&[(point, [30.0, 10.0])], &ground(vec![])));
        assert_eq!(free[0], Some(Area { left: 106.0, top: 95.0, width: 30.0, height: 10.0 }));
        assert!(edge[0].unwrap().right() <= 390.0);
        let all = Area { left: 0.0, top: 0.0, width: 400.0, height: 300.0 };
        assert_eq!(place(&[([100.0, 100.0], [30.0, 10.0])], &ground(vec![all])), [None]);
    }

    proptest! {
        #[test]
        fn labels_do_not_overlap(
            points in prop::collection::vec(([0f64..400.0, 0f64..300.0], [5f64..90.0, 8f64..14.0]), 0..60),
        ) {
            let marker = |[x, y]: [f64; 2]| Area { left: x - 4.0, top: y - 4.0, width: 8.0, height: 8.0 };
            let taken: Vec<Area> = points.iter().map(|(point, _)| marker(*point)).collect();
            let bar = |[x, y]: [f64; 2]| Area { left: x - 0.5, top: y - 30.0, width: 1.0, height: 60.0 };
            let lines = points.iter().map(|(point, _)| bar(*point)).collect();
            let ground = Ground { bounds: BOUNDS, taken: taken.clone(), lines };
            let places: Vec<Area> = place(&points, &ground).into_iter().flatten().collect();
            for (i, area) in places.iter().enumerate() {
                prop_assert!(area.is_inside(&BOUNDS));
                prop_assert!(!taken.iter().chain(&places[..i]).any(|other| area.overlaps(other)));
            }
            prop_assert!(points.len() > 12 || places.len() == points.len(), "few labels find a place");
        }
    }
}
