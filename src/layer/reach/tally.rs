//! The counts of images of one size.

use super::histogram::{BYTES, Histogram, add, subtract};
use super::plan::{Area, Plan};
use crate::kernel::ConvGeometry;
use crate::layer::Window;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Channels of images of one position that are counted together, as they lie beside each other.
const POINTS: usize = 16;

/// What was counted of images of one size. Several threads may add to it.
#[derive(Debug)]
pub(super) struct Tally {
    pub geometry: ConvGeometry,
    /// Channels of all groups.
    channels: usize,
    plan: Plan,
    blocks: Vec<Block>,
    /// Images by what they are padded with.
    images: Mutex<BTreeMap<u8, u64>>,
}

/// The lanes of some channels.
#[derive(Debug)]
struct Block {
    channels: Range<usize>,
    /// Empty until something was counted.
    counts: Mutex<Vec<u32>>,
}

impl Tally {
    pub fn new(window: &Window) -> Self {
        let (geometry, channels) = (window.geometry, window.channels());
        let at_once = if is_point(&geometry) { POINTS } else { 1 };
        let blocks = (0..channels).step_by(at_once);
        let blocks =
            blocks.map(|first| Block { channels: first..(first + at_once).min(channels), counts: Mutex::default() });
        let blocks = blocks.collect();
        Tally { geometry, channels, plan: Plan::new(window), blocks, images: Mutex::default() }
    }

    /// Counts images, `[images, channels, height, width]` and not empty.
    pub fn count(&self, input: &[u8], padding: u8) {
        let [height, width] = self.geometry.input;
        let image = self.channels * height * width;
        *lock(&self.images).entry(padding).or_default() += (input.len() / image) as u64;
        self.blocks.par_iter().for_each_init(Histogram::new, |histogram, block| {
            let images = input.chunks_exact(image);
            if is_point(&self.geometry) {
                let mut lanes = block.lanes(&self.plan);
                images.for_each(|image| count_points(&image[block.channels.clone()], &mut lanes));
                return;
            }
            let planes = images.map(|image| &image[block.channels.start * height * width..][..height * width]);
            for area in &self.plan.areas {
                // The long part, while other threads may use the lanes.
                for plane in planes.clone() {
                    area.lines(plane, width).for_each(|line| histogram.count(line, area.step()));
                }
                let mut lanes = block.lanes(&self.plan);
                histogram.drain(&mut lanes[area.lane * BYTES..][..BYTES]);
                planes.clone().for_each(|plane| count_unread(area, plane, &mut lanes));
            }
        });
    }

    /// Adds what a tap met of a channel to `met`.
    pub fn add_to(&self, met: &mut [u32; BYTES], channel: usize, tap: usize) {
        let block = &self.blocks[channel / self.blocks[0].channels.len()];
        let first = (channel - block.channels.start) * self.plan.lanes;
        let tap = &self.plan.taps[tap];
        let lanes = block.lanes(&self.plan);
        let lane = |lane: &usize| &lanes[(first + lane) * BYTES..][..BYTES];
        tap.added.iter().for_each(|added| add(met, lane(added)));
        tap.taken.iter().for_each(|taken| subtract(met, lane(taken)));
        for (&padding, images) in &*lock(&self.images) {
            let count = &mut met[usize::from(padding)];
            *count = count.wrapping_add((images * tap.padded) as u32);
        }
    }
}

impl Block {
    /// The lanes, locked.
    fn lanes(&self, plan: &Plan) -> MutexGuard<'_, Vec<u32>> {
        let mut counts = lock(&self.counts);
        counts.resize(self.channels.len() * plan.lanes * BYTES, 0);
        counts
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether images have one position, which is read as it is.
fn is_point(geometry: &ConvGeometry) -> bool {
    geometry.is_pointwise() && geometry.input == [1, 1]
}

/// Counts each byte in the next lane.
fn count_points(points: &[u8], lanes: &mut [u32]) {
    for (lane, &byte) in lanes.chunks_exact_mut(BYTES).zip(points) {
        lane[usize::from(byte)] += 1;
    }
}

/// Counts what lies beside the whole.
fn count_unread(area: &Area, plane: &[u8], lanes: &mut [u32]) {
    for &(lane, place) in &area.unread {
        lanes[lane * BYTES + usize::from(plane[place])] += 1;
    }
}
