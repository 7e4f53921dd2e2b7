use super::{Step, view::View};

/// Every type but `web`: what holds no wanted place stops; its successor starts when it is gone.
pub(super) fn stop(view: &View, steps: &mut Vec<Step>) {
    steps.extend(view.surplus().into_iter().map(|dyno| Step::Stop(dyno.id)));
}
