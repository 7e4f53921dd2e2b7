use super::{object_id::ObjectId, ref_update::RefUpdate};

/// A branch that deploys.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Branch {
    Main,
    Master,
}

impl Branch {
    const ALL: [Self; 2] = [Self::Main, Self::Master];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Master => "master",
        }
    }

    /// Its reference.
    pub(super) fn reference(self) -> &'static str {
        match self {
            Self::Main => "refs/heads/main",
            Self::Master => "refs/heads/master",
        }
    }

    /// The one that has this reference.
    pub(super) fn of_reference(reference: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|branch| branch.reference() == reference)
    }
}

/// What becomes of a push.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Plan {
    /// This commit is built and released.
    Deploy { branch: Branch, old: ObjectId, commit: ObjectId },
    /// It is kept and nothing else.
    Keep,
    /// References go away, which is all.
    Delete,
    /// It is refused, for this reason.
    Refuse(String),
}

impl Plan {
    /// Decides over `updates`; `deployed` is the branch that was deployed last.
    pub(super) fn of(updates: &[RefUpdate], deployed: Option<Branch>) -> Self {
        let of_branches =
            |update: &RefUpdate| Branch::of_reference(&update.name).map(|branch| (branch, update.clone()));
        let (gone, moved): (Vec<_>, Vec<_>) =
            updates.iter().filter_map(of_branches).partition(|(_, update)| update.new.is_none());
        match moved.as_slice() {
            [] => match gone.iter().find(|(branch, _)| Some(*branch) == deployed) {
                Some((branch, _)) => Self::Refuse(format!(
                    "{} is the branch that was deployed last, and stays. Deploy another one first: git push hokku master",
                    branch.name()
                )),
                None if updates.iter().all(|update| update.new.is_none()) => Self::Delete,
                None => Self::Keep,
            },
            [(branch, update)] => {
                Self::Deploy { branch: *branch, old: update.old.clone(), commit: update.new.clone() }
            }
            _ => Self::Refuse(
                "main and master both deploy, so only one of them can be pushed at a time: git push hokku main".to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(old: char, new: char, name: &str) -> RefUpdate {
        let id = |digit: char| digit.to_string().repeat(40);
        RefUpdate::parse(&format!("{} {} {name}", id(old), id(new))).expect("legal")
    }

    #[test]
    fn only_main_and_master_deploy() {
        let deploys = |updates: &[RefUpdate]| match Plan::of(updates, Some(Branch::Main)) {
            Plan::Deploy { branch, commit, .. } => Some((branch, commit.short().to_owned())),
            _ => None,
        };
        let (main, tag) = (update('0', '1', "refs/heads/main"), update('0', '2', "refs/tags/main"));
        assert_eq!(deploys(&[tag.clone(), main]), Some((Branch::Main, "1111111".to_owned())));
        assert_eq!(
            deploys(&[update('3', '4', "refs/heads/master")]),
            Some((Branch::Master, "4444444".to_owned()))
        );
        assert_eq!(Plan::of(&[tag], None), Plan::Keep);
        assert_eq!(Plan::of(&[update('0', '1', "refs/heads/main2")], None), Plan::Keep);
        assert_eq!(Plan::of(&[update('1', '0', "refs/tags/v1")], None), Plan::Delete);
    }

    #[test]
    fn the_deployed_branch_stays_until_another_is_deployed() {
        let (gone, next) = (update('1', '0', "refs/heads/main"), update('0', '1', "refs/heads/master"));
        assert!(matches!(Plan::of(std::slice::from_ref(&gone), Some(Branch::Main)), Plan::Refuse(_)));
        assert_eq!(Plan::of(std::slice::from_ref(&gone), Some(Branch::Master)), Plan::Delete);
        assert!(matches!(
            Plan::of(&[gone, next], Some(Branch::Main)),
            Plan::Deploy { branch: Branch::Master, .. }
        ));
    }

    #[test]
    fn two_branches_at_once_are_refused() {
        let both = [update('0', '1', "refs/heads/main"), update('0', '2', "refs/heads/master")];
        let Plan::Refuse(words) = Plan::of(&both, None) else { panic!("refused") };
        insta::assert_snapshot!(words, @"main and master both deploy, so only one of them can be pushed at a time: git push hokku main");
    }
}
