use crate::clock::Clock;

/// A time of the API as Heroku's commands show it: `2026/11/22 22:00:00 +0000 (~ 3m ago)`.
pub(super) fn moment(time: &str, clock: &Clock) -> String {
    let Ok(then) = time.parse::<jiff::Timestamp>() else { return time.to_owned() };
    let shown = then.strftime("%Y/%m/%d %H:%M:%S +0000");
    let passed = clock.now().unix_micros() / 1_000_000 - then.as_second();
    match passed {
        ..60 => format!("{shown} (~ {}s ago)", passed.max(0)),
        60..3600 => format!("{shown} (~ {}m ago)", passed / 60),
        3600..90_000 => format!("{shown} (~ {}h ago)", passed / 3600),
        _ => shown.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn moments_are_told_by_their_distance() {
        let clock = Clock::standing_at(Timestamp::from_unix_micros(1_795_384_800_000_000));
        let told = [
            "2026-11-22T22:00:05Z",
            "2026-11-22T21:59:18Z",
            "2026-11-22T21:57:00Z",
            "2026-11-22T01:00:00Z",
            "2026-11-01T00:00:00Z",
            "soon",
        ];
        insta::assert_snapshot!(told.map(|time| moment(time, &clock)).join("\n"), @r"
        2026/11/22 22:00:05 +0000 (~ 0s ago)
        2026/11/22 21:59:18 +0000 (~ 42s ago)
        2026/11/22 21:57:00 +0000 (~ 3m ago)
        2026/11/22 01:00:00 +0000 (~ 21h ago)
        2026/11/01 00:00:00 +0000
        soon
        ");
    }
}
