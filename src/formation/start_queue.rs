use crate::name::{AppId, DynoId};
use std::collections::{HashMap, VecDeque};

/// Who waits for a start.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Urgency {
    /// Somebody: a release, a scale, a restart.
    Prompt,
    /// Nobody in particular: the platform's own start, a crashed dyno, cycling.
    Background,
}

/// Dynos that wait to be started. Only so many are started at a time; apps take turns; what somebody waits for goes
/// first, and the background never takes the last place.
#[derive(Debug)]
pub(super) struct StartQueue {
    at_once: usize,
    running: HashMap<DynoId, Urgency>,
    prompt: Line,
    background: Line,
}

/// Apps in turn, each with its dynos in order.
#[derive(Debug, Default)]
struct Line {
    turns: VecDeque<AppId>,
    waiting: HashMap<AppId, VecDeque<DynoId>>,
}

impl StartQueue {
    pub(super) fn new(at_once: usize) -> Self {
        let (prompt, background) = (Line::default(), Line::default());
        Self { at_once: at_once.max(1), running: HashMap::new(), prompt, background }
    }

    /// The dyno waits from now on.
    pub(super) fn push(&mut self, urgency: Urgency, app: AppId, dyno: DynoId) {
        match urgency {
            Urgency::Prompt => self.prompt.push(app, dyno),
            Urgency::Background => self.background.push(app, dyno),
        }
    }

    /// The next dyno to start, if there is room; it takes its place until it is [`done`](Self::done). It may have been
    /// given up while it waited.
    pub(super) fn next(&mut self) -> Option<(AppId, DynoId)> {
        if self.running.len() >= self.at_once {
            return None;
        }
        let in_background = self.running.values().filter(|urgency| **urgency == Urgency::Background).count();
        let (urgency, (app, dyno)) = if let Some(next) = self.prompt.pop() {
            (Urgency::Prompt, next)
        } else if in_background < self.at_once.saturating_sub(1).max(1) {
            (Urgency::Background, self.background.pop()?)
        } else {
            return None;
        };
        self.running.insert(dyno, urgency);
        Some((app, dyno))
    }

    /// The start has ended, well or not.
    pub(super) fn done(&mut self, dyno: DynoId) {
        self.running.remove(&dyno);
    }
}

impl Line {
    fn push(&mut self, app: AppId, dyno: DynoId) {
        let waiting = self.waiting.entry(app).or_default();
        if waiting.is_empty() {
            self.turns.push_back(app);
        }
        waiting.push_back(dyno);
    }

    fn pop(&mut self) -> Option<(AppId, DynoId)> {
        let app = self.turns.pop_front()?;
        let waiting = self.waiting.get_mut(&app)?;
        let dyno = waiting.pop_front()?;
        if waiting.is_empty() {
            self.waiting.remove(&app);
        } else {
            self.turns.push_back(app);
        }
        Some((app, dyno))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(queue: &mut StartQueue) -> Vec<(AppId, DynoId)> {
        std::iter::from_fn(|| queue.next()).collect()
    }

    #[test]
    fn apps_take_turns() {
        let (shop, blog) = (AppId::random(), AppId::random());
        let dynos: [DynoId; 4] = std::array::from_fn(|_| DynoId::random());
        let mut queue = StartQueue::new(9);
        for (app, dyno) in [(shop, 0), (shop, 1), (shop, 2), (blog, 3)] {
            queue.push(Urgency::Prompt, app, dynos[dyno]);
        }
        let order = [(shop, 0), (blog, 3), (shop, 1), (shop, 2)].map(|(app, dyno)| (app, dynos[dyno]));
        assert_eq!(started(&mut queue), order);
    }

    #[test]
    fn the_background_leaves_a_place_and_waits_for_what_is_prompt() {
        let mut queue = StartQueue::new(3);
        let background: [DynoId; 4] = std::array::from_fn(|_| DynoId::random());
        for dyno in background {
            queue.push(Urgency::Background, AppId::random(), dyno);
        }
        assert_eq!(started(&mut queue).len(), 2);
        let prompt = DynoId::random();
        queue.push(Urgency::Prompt, AppId::random(), prompt);
        assert_eq!(started(&mut queue).into_iter().map(|(_, dyno)| dyno).collect::<Vec<_>>(), [prompt]);
        queue.done(prompt);
        assert_eq!(started(&mut queue), []);
        queue.done(background[0]);
        assert_eq!(started(&mut queue).len(), 1);
    }

    #[test]
    fn one_place_is_enough_for_everybody() {
        let mut queue = StartQueue::new(0);
        let dyno = DynoId::random();
        queue.push(Urgency::Background, AppId::random(), dyno);
        assert_eq!(started(&mut queue).len(), 1);
    }
}
