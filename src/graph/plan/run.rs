//! Running a plan on a batch.

use super::Plan;
use super::memory::{Memory, MemoryPool};
use super::step::Steps;
use super::value::{Kept, KeptKind};
use crate::graph::{Graph, InputObserver, RunContext, RunError};
use crate::layer::ImageBuffer;
use candle_core::Tensor;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// A run on one batch.
pub struct Run<'a> {
    pub graph: &'a Graph,
    pub plan: &'a Plan,
    pub pool: &'a MemoryPool,
    pub inputs: &'a [Tensor],
    pub first_sample: u64,
    pub observers: &'a [&'a dyn InputObserver],
}

impl Run<'_> {
    /// The outputs of the plan for all samples of the batch.
    ///
    /// # Errors
    /// Names the node that failed, or the parameter that is not bound.
    pub fn outputs(&self, batch: usize) -> Result<Vec<Tensor>, RunError> {
        let last = self.plan.levels.len() - 1;
        self.pool.with(last, |memory| {
            self.level(last, 0..batch, rayon::current_num_threads(), memory)?;
            let steps = Steps { graph: self.graph, plan: self.plan, context: self.context(&(0..batch), 1) };
            self.plan.outputs.iter().map(|&output| steps.operand(output, memory).cloned()).collect()
        })
    }

    fn context(&self, samples: &Range<usize>, threads: usize) -> RunContext<'_> {
        RunContext {
            first_sample: self.first_sample + samples.start as u64,
            samples: samples.len(),
            observers: self.observers,
            threads,
        }
    }

    /// Computes the values of `samples` after all levels up to `level`, by `threads`.
    fn level(&self, level: usize, samples: Range<usize>, threads: usize, memory: &mut Memory) -> Result<(), RunError> {
        if let Some(before) = level.checked_sub(1) {
            let parts = self.plan.levels[before].1.parts(samples.clone());
            if parts.len() == 1 {
                self.level(before, samples.clone(), threads, memory)?;
            } else {
                self.parts(before, &samples, parts, threads, memory)?;
            }
        }
        if level == 0 || self.plan.levels[level - 1].1.parts(samples.clone()).len() > 1 {
            self.set_inputs(&samples, self.plan.levels[level].0.start, memory)?;
        }
        let steps = Steps { graph: self.graph, plan: self.plan, context: self.context(&samples, threads) };
        self.plan.steps[self.plan.levels[level].0.clone()].iter().try_for_each(|step| steps.run(step, memory))
    }

    /// Computes a level part by part, and joins what later steps read.
    fn parts(
        &self,
        level: usize,
        samples: &Range<usize>,
        parts: Vec<Range<usize>>,
        threads: usize,
        memory: &mut Memory,
    ) -> Result<(), RunError> {
        let boundary = self.plan.levels[level].0.end;
        let is_crossing = |kept: &&Kept| kept.steps[0] < boundary && kept.steps[1] >= boundary && !self.is_input(kept);
        let crossing = self.plan.kept.iter().filter(is_crossing);
        let (images, kept_tensors): (Vec<&Kept>, Vec<&Kept>) = crossing.partition(|kept| kept.as_images().is_some());
        let buffers: Vec<ImageBuffer> = images.iter().map(|kept| memory.take(kept, samples.len())).collect();
        let joined = Mutex::new((buffers, Vec::new()));
        let run = |part: Range<usize>, threads: usize| {
            self.pool.with(level, |memory| {
                self.level(level, part.clone(), threads, memory)?;
                let mut joined = joined.lock().unwrap_or_else(PoisonError::into_inner);
                let (buffers, tensors) = &mut *joined;
                for (kept, buffer) in images.iter().zip(buffers) {
                    let of_kept = kept.images();
                    let first = (part.start - samples.start) * of_kept.ty.per_sample;
                    let [to, from] = [samples.len(), part.len()].map(|samples| of_kept.place(samples));
                    buffer.copy(to, memory.images(kept), from, first);
                }
                let of_part =
                    kept_tensors.iter().map(|kept| memory.tensor(kept).cloned().expect("what is read later is kept"));
                tensors.push((part.start, of_part.collect::<Vec<_>>()));
                Ok::<_, RunError>(())
            })
        };
        if threads == 1 {
            parts.into_iter().try_for_each(|part| run(part, 1))?;
        } else {
            // Parallel over samples if there are enough, else within each node.
            let threads = if parts.len() >= threads { 1 } else { threads };
            parts.into_par_iter().try_for_each(|part| run(part, threads))?;
        }
        let (buffers, mut tensors) = joined.into_inner().unwrap_or_else(PoisonError::into_inner);
        images.iter().zip(buffers).for_each(|(kept, buffer)| memory.put(kept, buffer));
        tensors.sort_by_key(|(start, _)| *start);
        for (i, kept) in kept_tensors.iter().enumerate() {
            let parts: Vec<&Tensor> = tensors.iter().map(|(_, part)| &part[i]).collect();
            let tensor = match self.graph.ty(kept.value).batch_axis() {
                Some((axis, _)) => Tensor::cat(&parts, axis)?,
                None => parts[0].clone(),
            };
            memory.set_tensor(kept, Some(tensor));
        }
        Ok(())
    }

    fn is_input(&self, kept: &Kept) -> bool {
        matches!(kept.kind, KeptKind::Tensor) && self.plan.inputs.contains(&kept.value)
    }

    /// Keeps the inputs for some samples, as far as steps from `first` on read them.
    fn set_inputs(&self, samples: &Range<usize>, first: usize, memory: &mut Memory) -> Result<(), RunError> {
        for kept in self.plan.kept.iter().filter(|kept| self.is_input(kept) && kept.steps[1] >= first) {
            let at = self.plan.inputs.iter().position(|&input| input == kept.value).expect("an input");
            let input = &self.inputs[at];
            let tensor = match self.graph.ty(kept.value).batch_axis() {
                Some((axis, times)) => input.narrow(axis, times * samples.start, times * samples.len())?,
                None => input.clone(),
            };
            memory.set_tensor(kept, Some(tensor));
        }
        Ok(())
    }
}
