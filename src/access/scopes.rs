use crate::ledger::TokenScope;
use std::collections::BTreeSet;

/// What a token may be used for. Without any scope it is global.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Scopes(BTreeSet<TokenScope>);

/// What a request needs of the token that comes with it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Need {
    /// To learn whose token it is.
    Identity,
    /// To see apps.
    Read,
    /// To see config vars.
    ReadProtected,
    /// To change apps.
    Write,
    /// To change config vars.
    WriteProtected,
    /// To change accounts, tokens and who works on an app.
    Global,
}

impl Need {
    /// What is refused where it is lacking, for the ledger.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Identity => "see the account",
            Self::Read => "see apps",
            Self::ReadProtected => "see config vars",
            Self::Write => "change apps",
            Self::WriteProtected => "change config vars",
            Self::Global => "see or change accounts and tokens",
        }
    }
}

impl Scopes {
    /// The scopes that a token was made with.
    #[must_use]
    pub fn new(scopes: BTreeSet<TokenScope>) -> Self {
        Self(scopes)
    }

    /// In Heroku's words: `["global"]` for none.
    #[must_use]
    pub fn named(&self) -> BTreeSet<TokenScope> {
        if self.0.is_empty() { BTreeSet::from([TokenScope::Global]) } else { self.0.clone() }
    }

    /// Whether they allow it, as [Heroku's scopes] do.
    ///
    /// [Heroku's scopes]: https://devcenter.heroku.com/articles/oauth#scopes
    #[must_use]
    pub fn allow(&self, need: Need) -> bool {
        self.0.is_empty() || self.0.iter().any(|scope| allows(*scope, need))
    }
}

fn allows(scope: TokenScope, need: Need) -> bool {
    use Need as N;
    match scope {
        TokenScope::Global => true,
        TokenScope::Identity => need == N::Identity,
        TokenScope::Read => matches!(need, N::Identity | N::Read),
        TokenScope::ReadProtected => matches!(need, N::Identity | N::Read | N::ReadProtected),
        TokenScope::Write => matches!(need, N::Identity | N::Read | N::Write),
        TokenScope::WriteProtected => need != N::Global,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [TokenScope; 6] = [
        TokenScope::Global,
        TokenScope::Identity,
        TokenScope::Read,
        TokenScope::Write,
        TokenScope::ReadProtected,
        TokenScope::WriteProtected,
    ];

    proptest! {
        #[test]
        fn scopes_together_allow_what_each_of_them_allows(of in proptest::sample::subsequence(ALL.to_vec(), 1..6)) {
            let together = Scopes::new(of.iter().copied().collect());
            for need in [Need::Identity, Need::Read, Need::ReadProtected, Need::Write, Need::WriteProtected, Need::Global] {
                let apart = of.iter().any(|scope| Scopes::new([*scope].into()).allow(need));
                prop_assert_eq!(together.allow(need), apart);
            }
            prop_assert_eq!(together.named(), of.into_iter().collect());
        }
    }

    #[test]
    fn each_scope_allows_its_own_and_what_is_less() {
        use Need as N;
        let needs = [N::Identity, N::Read, N::ReadProtected, N::Write, N::WriteProtected, N::Global];
        let allowed = |scopes: &[TokenScope]| {
            let scopes = Scopes::new(scopes.iter().copied().collect());
            needs.map(|need| if scopes.allow(need) { 'x' } else { '-' }).iter().collect::<String>()
        };
        assert_eq!(allowed(&[]), "xxxxxx");
        assert_eq!(allowed(&[TokenScope::Global]), "xxxxxx");
        assert_eq!(allowed(&[TokenScope::Identity]), "x-----");
        assert_eq!(allowed(&[TokenScope::Read]), "xx----");
        assert_eq!(allowed(&[TokenScope::ReadProtected]), "xxx---");
        assert_eq!(allowed(&[TokenScope::Write]), "xx-x--");
        assert_eq!(allowed(&[TokenScope::WriteProtected]), "xxxxx-");
        assert_eq!(allowed(&[TokenScope::ReadProtected, TokenScope::Write]), "xxxx--");
    }
}
