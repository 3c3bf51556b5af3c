//! What a commit keeps of a job, and what a start makes of it.

use larder_core::{Error, Result};

use super::RunningJob;
use crate::checkpoint::{Scope, Section, StateFile};
use crate::dead_letter::DEAD_LETTERS;
use crate::run::hold_back::until_done;
use crate::run::task::TaskKey;
use crate::sink::Covered;

impl RunningJob {
    /// Takes the state of a task out of the files of its checkpoint, the full one first.
    ///
    /// # Errors
    /// `Invalid` when another definition left it; `Data` when it cannot be understood.
    pub(in crate::run) fn load(
        &mut self,
        key: TaskKey,
        files: &[StateFile],
        names: &[String],
        now: i64,
    ) -> Result<()> {
        let name = &self.job.name;
        let Some(task) = self.tasks.get_mut(key) else { return Ok(()) };
        for file in files {
            let section = file.sections.iter().find(|section| section.job == *name);
            let section = section.ok_or_else(|| not_there(name))?;
            if section.layout != self.layout {
                return Err(changed(name));
            }
            task.load(&section.state, names, now).map_err(|error| {
                error.context(format_args!("checkpoint {} of job \"{name}\"", file.number))
            })?;
        }
        task.operator.settle();
        Ok(())
    }

    /// Goes back to the outputs of the last commit, of which the latest of these files tells; without one they begin
    /// anew.
    ///
    /// # Errors
    /// What a sink answers.
    pub(in crate::run) async fn restore_outputs(&mut self, files: &[StateFile]) -> Result<()> {
        let name = &self.job.name;
        let of_job = |file: &&StateFile| file.sections.iter().any(|of| of.job == *name);
        let file = files.iter().filter(of_job).max_by_key(|file| file.number);
        let section = file.and_then(|file| file.sections.iter().find(|of| of.job == *name));
        let mark = |kind: &str| {
            let marks = section.map_or(&[][..], |section| &section.marks);
            marks.iter().find(|(known, _)| known == kind).map(|(_, mark)| mark.as_slice())
        };
        self.letters.restore(mark(DEAD_LETTERS))?;
        if self.options.is_replay {
            self.letters.begin_replay();
        }
        for sink in &mut self.sinks {
            sink.restore(mark(sink.kind())).await?;
        }
        Ok(())
    }

    /// Goes on from the commits that these files are of.
    ///
    /// # Errors
    /// What a sink answers.
    pub(in crate::run) async fn adopt(&mut self, files: &[StateFile]) -> Result<()> {
        let name = &self.job.name;
        for section in files.iter().flat_map(|file| &file.sections).filter(|of| of.job == *name) {
            for sink in &mut self.sinks {
                let kind = sink.kind();
                if let Some((_, mark)) = section.marks.iter().find(|(known, _)| known == kind) {
                    sink.adopt(mark).await?;
                }
            }
        }
        Ok(())
    }

    /// Tells the sinks that the commit has become true.
    ///
    /// # Errors
    /// What a sink answers.
    pub(in crate::run) async fn settle_outputs(&mut self) -> Result<()> {
        for sink in &mut self.sinks {
            let settle = async || sink.committed().await;
            until_done(&self.job.name, &self.options, settle).await?;
        }
        Ok(())
    }

    /// Makes durable what the sinks and the dead letters have, for a commit.
    ///
    /// # Errors
    /// What a sink answers.
    pub(in crate::run) async fn flush(
        &mut self,
        covered: Covered,
    ) -> Result<Vec<(String, Vec<u8>)>> {
        let letters = async || self.letters.flush();
        let (mark, _) = until_done(&self.job.name, &self.options, letters).await?;
        self.forward_rest().await?;
        let mut marks = vec![(DEAD_LETTERS.to_owned(), mark)];
        for sink in &mut self.sinks {
            let flush = async || sink.flush(covered).await;
            let (mark, _) = until_done(&self.job.name, &self.options, flush).await?;
            marks.push((sink.kind().to_owned(), mark));
        }
        Ok(marks)
    }

    /// What a checkpoint has of a task of the job; `None` when the job has no such task.
    pub(in crate::run) fn save(
        &mut self,
        key: TaskKey,
        scope: Scope,
        names: &[String],
        marks: Vec<(String, Vec<u8>)>,
    ) -> Option<Section> {
        let task = self.tasks.get_mut(key)?;
        Some(Section {
            job: self.job.name.clone(),
            layout: self.layout,
            marks,
            keys: task.operator.keys() as u64,
            watermark: task.watermark.reached(),
            state: task.save(scope, names),
        })
    }
}

fn not_there(job: &str) -> Error {
    Error::invalid(format!("job \"{job}\" was not one of those that left the state"))
        .with_hint("--reset forgets the state and begins anew")
}

pub(in crate::run) fn changed(job: &str) -> Error {
    Error::invalid(format!("the state of job \"{job}\" is of another definition"))
        .with_hint("take the change back, or forget the state and begin anew with --reset")
}
