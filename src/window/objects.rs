//! The objects of a tab: found by a job when somebody looks, and the one that is looked at.

use crate::exports::{Exporter, Object};
use crate::widgets::vlist::VState;
use std::sync::Arc;
use wirelore_kit::Problem;
use wirelore_store::{Job, Jobs, Snapshot};

type Found = Result<Arc<Vec<Object>>, Problem>;

/// What was transferred, as far as it is known.
#[derive(Default)]
pub struct Objects {
    /// Packets that there were when it was looked, and what was found.
    found: Option<(u32, Found)>,
    job: Option<(u32, Job<Found>)>,
    /// Place of the list.
    pub list: VState,
    /// The one that is looked at, in the list as it is shown.
    pub chosen: Option<usize>,
    /// Only those whose name, type or protocol holds this.
    pub text: String,
}

impl Objects {
    /// Takes what came; looks, if nobody did yet.
    pub fn step(&mut self, s: &Arc<Snapshot>, exporter: &Arc<dyn Exporter>, jobs: &Jobs) {
        if let Some(end) = self.job.as_ref().and_then(|(_, job)| job.poll())
            && let Some((packets, _)) = self.job.take()
        {
            let found = end.unwrap_or_else(|why| {
                Err(Problem {
                    what: "Objects could not be looked for".into(),
                    why: format!("{why}."),
                    what_to_do: "Look again.".into(),
                })
            });
            self.found = Some((packets, found));
        }
        // Of a file that is still being read the first look would be too early.
        if self.found.is_none() && self.job.is_none() && s.packets() > 0 {
            self.look(s, exporter, jobs);
        }
    }

    /// Looks again: more may have come.
    pub fn look(&mut self, s: &Arc<Snapshot>, exporter: &Arc<dyn Exporter>, jobs: &Jobs) {
        let (snapshot, exporter) = (s.clone(), exporter.clone());
        let job = jobs.start(move |work| match exporter.objects(&snapshot, work) {
            Ok(found) => found.map(|f| Ok(Arc::new(f))),
            Err(p) => Some(Err(p)),
        });
        self.job = Some((s.packets(), job));
    }

    /// How far the look is, if one is under way.
    #[must_use]
    pub fn progress(&self) -> Option<f32> {
        self.job.as_ref().map(|(_, j)| j.progress())
    }

    /// What was found last.
    #[must_use]
    pub fn found(&self) -> Option<&Found> {
        self.found.as_ref().map(|(_, f)| f)
    }

    /// Packets that came since it was looked.
    #[must_use]
    pub fn newer(&self, s: &Snapshot) -> u32 {
        self.found.as_ref().map_or(0, |(packets, _)| s.packets().saturating_sub(*packets))
    }

    /// Those that are shown.
    #[must_use]
    pub fn shown(&self) -> Vec<Object> {
        let Some(Ok(all)) = self.found() else { return Vec::new() };
        let text = self.text.trim().to_lowercase();
        let has = |o: &&Object| {
            text.is_empty() || [o.name.as_str(), o.media.as_str(), o.protocol].iter().any(|s| s.to_lowercase().contains(&text))
        };
        all.iter().filter(has).cloned().collect()
    }
}
