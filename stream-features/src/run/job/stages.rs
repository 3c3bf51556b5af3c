//! What is otherwise in the two stages of a job that is repartitioned.

use larder_core::Result;

use super::{Outcome, RunningJob, add_event};
use crate::dead_letter::DeadLetter;
use crate::decode::Fault;
use crate::definition::Job;
use crate::operator::Event;
use crate::repartition::{Blocks, Entry, Forward, Origin, TooLarge};
use crate::run::hold_back::until_done;
use crate::run::reader::Read;
use crate::run::task::TaskKey;

/// Events that are looked up at one time: their bytes are in memory together.
const MOST_LOOKED_UP: usize = 1_000;

/// An event of a block that was refused.
#[derive(Debug)]
pub(super) struct Late {
    origin: Origin,
    fault: Fault,
    reason: String,
}

/// Gives an event on.
pub(super) fn forward_event(
    forward: &mut Forward,
    read: &Read,
    index: usize,
    event: Event<'_>,
) -> Outcome {
    let origin = Origin { partition: read.raw.partition, offset: read.raw.offset(index) };
    match forward.add(origin, event) {
        Ok(()) => Outcome::Taken(event.time),
        Err(TooLarge(bytes)) => {
            let reason = format!("its key and columns have {bytes} bytes, too many to go on");
            Outcome::Refused(Fault::FailedExpression, reason)
        }
    }
}

impl RunningJob {
    /// What stands for its state where it keeps none: events of another definition must not follow those that went on.
    pub(in crate::run) fn stateless_layout(&self) -> Option<u64> {
        self.forward.as_ref().map(|_| self.layout)
    }

    /// Forgets partitions that another reader has now.
    pub(in crate::run) fn revoke(&mut self, partitions: &[usize]) {
        self.tasks.revoke(partitions);
        if let Some(forward) = &mut self.forward {
            forward.forget(partitions);
        }
    }

    /// Takes note of how far the source has come, and gives on what is enough for a message.
    ///
    /// # Errors
    /// What the sink answers.
    pub(super) async fn forward(&mut self, now: i64) -> Result<()> {
        let Some(forward) = &mut self.forward else { return Ok(()) };
        // Letters say nothing of how far the source has come.
        let followed = (!self.options.is_replay).then(|| self.tasks.iter_mut());
        for (key, task) in followed.into_iter().flatten() {
            if let TaskKey::Partition(partition) = key
                && let Some(mark) = task.watermark.mark(partition, now)
            {
                task.is_touched |= forward.reached(partition, mark);
            }
        }
        until_done(&self.job.name, &self.options, async || forward.deliver().await).await?;
        Ok(())
    }

    /// Gives on everything, for a commit.
    ///
    /// # Errors
    /// What the sink answers.
    pub(super) async fn forward_rest(&mut self) -> Result<()> {
        let Some(forward) = &mut self.forward else { return Ok(()) };
        until_done(&self.job.name, &self.options, async || forward.flush().await).await?;
        Ok(())
    }

    /// Gives the events of blocks to the operator, but for the first blocks, and follows the marks. Answers the events that
    /// were refused.
    ///
    /// # Errors
    /// `Data` for a message that is no block, `Invalid` for one of another definition.
    pub(super) fn add_blocks(
        &mut self,
        read: &Read,
        first: usize,
        partitions: &[String],
    ) -> Result<Vec<Late>> {
        let mut inputs = Vec::new();
        let mut late = Vec::new();
        let mut latest = None;
        let Self { job: Job { plan, name, .. }, tasks, layout, .. } = self;
        let Some(task) = tasks.of(read.raw.partition) else { return Ok(late) };
        task.is_touched |= read.raw.len() > first;
        for index in first..read.raw.len() {
            let failed = |error: larder_core::Error| {
                let (partition, offset) = (&partitions[read.raw.partition], read.raw.offset(index));
                error.context(format_args!("job \"{name}\": message {offset} of {partition}"))
            };
            let mut blocks = Blocks::open(read.raw.event(index), *layout).map_err(failed)?;
            (0..blocks.sources()).for_each(|source| task.watermark.expect(source, 0));
            let width = plan.inputs.len();
            while let Some(entry) = blocks.next(&mut inputs, width).map_err(failed)? {
                match entry {
                    Entry::Mark(source, mark) => task.watermark.told(source, mark),
                    Entry::Event { origin, time, key } => {
                        let event = Event { time, key, inputs: &inputs };
                        match add_event(task.operator.as_mut(), event) {
                            Outcome::Refused(fault, reason) => {
                                late.push(Late { origin, fault, reason });
                            }
                            _ => latest = latest.max(Some(time)),
                        }
                    }
                }
            }
        }
        self.saw(latest);
        Ok(late)
    }

    /// Makes events of blocks dead letters, with their bytes where the source still has them.
    ///
    /// # Errors
    /// What the source or the place of the letters answers.
    pub(super) async fn refuse(&mut self, late: &[Late]) -> Result<()> {
        for some in late.chunks(MOST_LOOKED_UP) {
            let places: Vec<Origin> = some.iter().map(|late| late.origin).collect();
            let Some(looked_up) = &mut self.looked_up else { return Ok(()) };
            let find = async || looked_up.find(&places).await;
            let (found, _) = until_done(&self.job.name, &self.options, find).await?;
            for (Late { origin, fault, reason }, payload) in some.iter().zip(found) {
                self.taken.refuse(*fault);
                self.letters.push(&DeadLetter {
                    fault: fault.as_str().to_owned(),
                    reason: reason.clone(),
                    partition: format!("{}-{}", self.source, origin.partition),
                    offset: origin.offset,
                    payload: payload.unwrap_or_default(),
                })?;
            }
            self.letters.deliver().await?;
        }
        Ok(())
    }
}
