//! What a tab keeps of its ladder: the course of the flow that is looked at, the ladder made of it, and where its arrows stand.

use super::place::{Places, Spacing};
use super::{Ladder, Scope, Shows, make};
use crate::door::{Conversations, Course};
use std::sync::Arc;
use wirelore_kit::Problem;
use wirelore_store::{Job, Jobs, Snapshot};

/// A course, or why there is none.
type Read = Result<Course, Problem>;

/// A flow's course, read again when somebody looks.
#[derive(Default)]
pub struct CourseKeeper {
    now: Option<(u32, u64, Result<Arc<Course>, Problem>)>,
    job: Option<(u32, u64, Job<Read>)>,
}

impl CourseKeeper {
    /// The course of a flow, if it was read; else reading it begins. `ended` tells whether the capture is read to its end: until then
    /// the course is read anew only when the flow is another.
    pub fn of(
        &mut self,
        flow: u32,
        s: &Snapshot,
        jobs: &Jobs,
        source: &Arc<dyn Conversations>,
    ) -> Option<Result<Arc<Course>, Problem>> {
        let generation = if s.progress().done { s.generation() } else { 0 };
        if let Some((f, g, job)) = &self.job
            && let Some(end) = job.poll()
        {
            let answer = end.unwrap_or_else(|why| {
                Err(Problem {
                    what: "The conversation could not be read again".into(),
                    why: format!("{why}."),
                    what_to_do: "Its messages are listed all the same.".into(),
                })
            });
            self.now = Some((*f, *g, answer.map(Arc::new)));
            self.job = None;
        }
        let right = |f: u32, g: u64| f == flow && g == generation;
        if !self.now.as_ref().is_some_and(|(f, g, _)| right(*f, *g)) && !self.job.as_ref().is_some_and(|(f, g, _)| right(*f, *g))
        {
            let source = source.clone();
            // Dropping the one before cancels it.
            self.job = Some((flow, generation, jobs.start(move |w| Some(source.course(flow, w.cancel())))));
        }
        self.now.as_ref().filter(|(f, ..)| *f == flow).map(|(_, _, c)| c.clone())
    }

    /// Whether a conversation is being read.
    #[must_use]
    pub const fn busy(&self) -> bool {
        self.job.is_some()
    }

    /// Forgets everything.
    pub fn forget(&mut self) {
        *self = CourseKeeper::default();
    }
}

/// What a ladder was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Made {
    scope: Scope,
    generation: u64,
    shows: Shows,
    course: bool,
}

/// A tab's ladder.
#[derive(Default)]
pub struct LadderKeeper {
    now: Option<(Made, Arc<Ladder>)>,
    job: Option<(Made, Job<Ladder>)>,
    places: Option<(Made, Spacing, Arc<Places>)>,
    /// Why it could not be made.
    pub broken: Option<String>,
}

impl LadderKeeper {
    /// The ladder of a scope, the newest there is; `None` while the first one is made.
    pub fn of(
        &mut self,
        scope: Scope,
        shows: Shows,
        course: Option<&Arc<Course>>,
        s: &Arc<Snapshot>,
        jobs: &Jobs,
    ) -> Option<Arc<Ladder>> {
        let wanted = Made { scope, generation: s.generation(), shows, course: course.is_some() };
        if let Some((made, job)) = &self.job
            && let Some(end) = job.poll()
        {
            match end {
                Ok(l) => {
                    self.now = Some((*made, Arc::new(l)));
                    self.broken = None;
                }
                Err(wirelore_store::JobEnd::Cancelled) => {}
                Err(why) => self.broken = Some(why.to_string()),
            }
            self.job = None;
        }
        let stale = self.now.as_ref().is_none_or(|(m, _)| *m != wanted);
        // While a capture grows, one ladder after the other; another scope at once.
        let other = self.job.as_ref().is_some_and(|(m, _)| m.scope != scope || m.shows != shows);
        if stale && (self.job.is_none() || other) && self.broken.is_none() {
            let (s, course) = (s.clone(), course.cloned());
            self.job = Some((wanted, jobs.start(move |w| make(&s, scope, course.as_deref(), shows, w))));
        }
        self.now.as_ref().filter(|(m, _)| m.scope == scope).map(|(_, l)| l.clone())
    }

    /// Where the arrows of the newest ladder stand.
    pub fn places(&mut self, ladder: &Ladder, spacing: Spacing) -> Arc<Places> {
        let made = self.now.as_ref().map(|(m, _)| *m);
        if let Some((m, sp, p)) = &self.places
            && Some(*m) == made
            && *sp == spacing
        {
            return p.clone();
        }
        let places = Arc::new(Places::new(&ladder.steps, &spacing));
        self.places = made.map(|m| (m, spacing, places.clone()));
        places
    }

    /// The newest ladder, of whatever it is.
    #[must_use]
    pub fn newest(&self) -> Option<Arc<Ladder>> {
        self.now.as_ref().map(|(_, l)| l.clone())
    }

    /// Whether a ladder is being made.
    #[must_use]
    pub const fn busy(&self) -> bool {
        self.job.is_some()
    }
}
