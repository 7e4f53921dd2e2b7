use super::{DynoRecord, Phase, Step, view::View};

/// The hand-over of `web`: who takes requests from now on, and who stops.
pub(super) fn serve_and_stop(view: &View, steps: &mut Vec<Step>) {
    let begins = beginning(view);
    steps.extend(begins.iter().map(|dyno| Step::Serve(dyno.id)));
    let serves = |dyno: &DynoRecord| dyno.serving || begins.iter().any(|begun| begun.id == dyno.id);
    let mut serving = view.dynos.iter().filter(|dyno| serves(dyno)).count();
    let surplus = view.surplus();
    let most = usize::try_from(view.quantity).unwrap_or(usize::MAX);
    let needed = surplus.iter().rev().filter(|dyno| serves(dyno) && is_needed(view, dyno)).take(most);
    let needed = needed.map(|dyno| dyno.id).collect::<Vec<_>>();
    for dyno in surplus.into_iter().filter(|dyno| !needed.contains(&dyno.id)) {
        if serves(dyno) && serving == 1 && view.quantity > 0 {
            continue;
        }
        serving -= usize::from(serves(dyno));
        steps.push(Step::Stop(dyno.id));
    }
}

/// Those that are up and take requests from now on.
fn beginning<'a>(view: &View<'a>) -> Vec<&'a DynoRecord> {
    let idle = |dyno: &&DynoRecord| dyno.phase == Phase::Up && !dyno.serving;
    let serving = || view.dynos.iter().filter(|dyno| dyno.serving);
    let open = view.all_up() || serving().all(|dyno| view.is_of_release(dyno));
    let ready =
        view.dynos.iter().copied().filter(idle).filter(|dyno| open && view.holds(dyno)).collect::<Vec<_>>();
    if !ready.is_empty() || serving().next().is_some() || view.quantity == 0 {
        return ready;
    }
    // Nobody takes requests: whatever is up is better than nothing, the newest release first.
    let idle = view.dynos.iter().copied().filter(idle);
    idle.max_by_key(|dyno| (dyno.release, std::cmp::Reverse(dyno.name.number()))).into_iter().collect()
}

/// Whether a dyno that is to give way must wait for its successors.
fn is_needed(view: &View, dyno: &DynoRecord) -> bool {
    if view.is_of_release(dyno) {
        view.has_place(dyno) && !view.is_up(dyno.name.number())
    } else {
        !view.all_up()
    }
}
