//! What is counted of each channel, and how the counts of taps follow from it.

use super::lines::{Line, families};
use crate::layer::{Flow, Window};

/// A byte that is counted on its own takes about as long as this many that are counted in a histogram.
const ALONE: usize = 2;

/// What is counted of each channel of images of one size, in lanes of 256 counts.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub areas: Vec<Area>,
    pub taps: Vec<Tap>,
    /// How many lanes a channel has.
    pub lanes: usize,
}

/// Positions of a channel that are counted together.
#[derive(Debug)]
pub(super) struct Area {
    pub lane: usize,
    rows: Line,
    columns: Line,
    /// What is counted beside: places in a plane, with their lanes. Neighbors have lanes of their own where they can.
    pub unread: Vec<(usize, usize)>,
}

/// How the counts of a tap follow.
#[derive(Debug, Default)]
pub(super) struct Tap {
    /// Lanes that are added up.
    pub added: Vec<usize>,
    /// Lanes that are taken off.
    pub taken: Vec<usize>,
    /// Padding that the tap reads of each image.
    pub padded: u64,
}

impl Plan {
    pub fn new(window: &Window) -> Self {
        let [rows, columns] = [0, 1].map(|axis| {
            let lines = (0..window.geometry.kernel[axis]).map(|tap| Line::new(window, axis, tap));
            lines.collect::<Vec<_>>()
        });
        let mut plan = Plan::default();
        for (row, column) in rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column))) {
            let read = row.read.len() * column.read.len();
            let padded = match window.flow {
                Flow::Forward => (window.geometry.positions() - read) as u64,
                Flow::Transposed => 0,
            };
            plan.taps.push(Tap { padded, ..Tap::default() });
        }
        let of_columns = families(&columns);
        for rows_together in families(&rows) {
            for columns_together in &of_columns {
                let family = Family {
                    rows: rows_together.iter().map(|&tap| (tap, &rows[tap])).collect(),
                    columns: columns_together.iter().map(|&tap| (tap, &columns[tap])).collect(),
                    kernel_width: columns.len(),
                };
                if family.is_cheaper_together() {
                    family.count_together(window.geometry.input[1], &mut plan);
                } else {
                    family.count_each(&mut plan);
                }
            }
        }
        plan
    }

    fn lane(&mut self) -> usize {
        self.lanes += 1;
        self.lanes - 1
    }
}

/// Taps that read positions of the same phase: each of the rows of taps with each of the columns.
struct Family<'a> {
    rows: Vec<(usize, &'a Line)>,
    columns: Vec<(usize, &'a Line)>,
    kernel_width: usize,
}

impl Family<'_> {
    /// The family's positions down and across the image.
    fn places(&self) -> [usize; 2] {
        [self.rows[0].1.places, self.columns[0].1.places]
    }

    fn is_cheaper_together(&self) -> bool {
        let [down, across] = self.places();
        let [read_down, read_across] =
            [&self.rows, &self.columns].map(|lines| lines.iter().map(|(_, line)| line.read.len()).sum::<usize>());
        let unread = [self.rows.len() * down - read_down, self.columns.len() * across - read_across];
        let alone = unread[0] * across + unread[1] * down + unread[0] * unread[1];
        down * across + ALONE * alone < read_down * read_across
    }

    /// Counts what each tap reads.
    fn count_each(&self, plan: &mut Plan) {
        for &(row, rows) in &self.rows {
            for &(column, columns) in &self.columns {
                let lane = plan.lane();
                plan.taps[row * self.kernel_width + column].added.push(lane);
                plan.areas.push(Area { lane, rows: rows.clone(), columns: columns.clone(), unread: Vec::new() });
            }
        }
    }

    /// Counts all positions at once, and what each row of taps, each column of taps, and both leave out.
    fn count_together(&self, width: usize, plan: &mut Plan) {
        let [rows, columns] = [self.rows[0].1.whole(), self.columns[0].1.whole()];
        let lane = plan.lane();
        let mut unread = Vec::new();
        let mut lane_of = |places: Vec<usize>, plan: &mut Plan| {
            let lane = (!places.is_empty()).then(|| plan.lane())?;
            unread.extend(places.into_iter().enumerate().map(|(turn, place)| (turn, lane, place)));
            Some(lane)
        };
        let mut by_row = Vec::new();
        for (_, line) in &self.rows {
            by_row.push(lane_of(places(line.unread(), columns.positions(), width), plan));
        }
        let mut by_column = Vec::new();
        for (_, line) in &self.columns {
            by_column.push(lane_of(places(rows.positions(), line.unread(), width), plan));
        }
        for (&(row, down), &by_row) in self.rows.iter().zip(&by_row) {
            for (&(column, across), &by_column) in self.columns.iter().zip(&by_column) {
                let by_both = lane_of(places(down.unread(), across.unread(), width), plan);
                let tap = &mut plan.taps[row * self.kernel_width + column];
                tap.added.extend([Some(lane), by_both].into_iter().flatten());
                tap.taken.extend([by_row, by_column].into_iter().flatten());
            }
        }
        // In turn, since a count that was just stored takes a while to come back.
        unread.sort_by_key(|&(turn, ..)| turn);
        let unread = unread.into_iter().map(|(_, lane, place)| (lane, place)).collect();
        plan.areas.push(Area { lane, rows, columns, unread });
    }
}

/// Places in a plane where these rows and columns meet.
fn places(ys: impl Iterator<Item = usize>, xs: impl Iterator<Item = usize> + Clone, width: usize) -> Vec<usize> {
    ys.flat_map(|y| xs.clone().map(move |x| y * width + x)).collect()
}

impl Area {
    /// Steps between the bytes of a line.
    pub fn step(&self) -> usize {
        self.columns.step
    }

    /// The lines of a plane that the area lies in: of each, every [`step`](Area::step)th byte from the first.
    pub fn lines<'p>(&self, plane: &'p [u8], width: usize) -> impl Iterator<Item = &'p [u8]> + use<'p> {
        let Area { rows, columns, .. } = self;
        let across = columns.extent();
        let (pitch, first) = (rows.step * width, rows.extent().start * width + across.start);
        // Whole neighboring rows are one line.
        let is_joined = rows.step == 1 && columns.step == 1 && across.len() == width;
        let (count, len) = if is_joined { (1, rows.read.len() * width) } else { (rows.read.len(), across.len()) };
        (0..count).filter(move |_| len > 0).map(move |row| &plane[first + row * pitch..][..len])
    }
}
