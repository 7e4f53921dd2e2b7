use http::HeaderMap;

/// How the bytes of a file are encoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Encoding {
    Identity,
    Brotli,
    Zstd,
    Gzip,
}

impl Encoding {
    /// Every encoding, the best first; `Identity` last, as what is always there.
    pub(super) const ALL: [Self; 4] = [Self::Brotli, Self::Zstd, Self::Gzip, Self::Identity];

    /// What the file's name ends with.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Identity => "",
            Self::Brotli => ".br",
            Self::Zstd => ".zst",
            Self::Gzip => ".gz",
        }
    }

    /// The name in `Content-Encoding`; empty for `Identity`, which is not named there.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Identity => "",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    fn is_called(self, coding: &str) -> bool {
        match self {
            Self::Identity => coding.eq_ignore_ascii_case("identity"),
            Self::Gzip => coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip"),
            other => coding.eq_ignore_ascii_case(other.name()),
        }
    }
}

/// What a client can read, from its `Accept-Encoding` (RFC 9110, 12.5.3).
pub(super) struct Accepted<'a> {
    codings: Vec<(&'a str, u16)>,
}

impl<'a> Accepted<'a> {
    pub(super) fn by(headers: &'a HeaderMap) -> Self {
        let values = headers.get_all(http::header::ACCEPT_ENCODING).into_iter();
        let items = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        Self { codings: items.filter_map(coding).collect() }
    }

    /// The client's favourite among `there`; of two it likes equally the smaller. If it wants none, identity.
    pub(super) fn best(&self, there: impl Fn(Encoding) -> bool) -> Encoding {
        let mut best = (Encoding::Identity, 0);
        for encoding in Encoding::ALL.into_iter().filter(|encoding| there(*encoding)) {
            let weight = self.weight(encoding);
            if weight > best.1 {
                best = (encoding, weight);
            }
        }
        best.0
    }

    /// In thousandths.
    fn weight(&self, encoding: Encoding) -> u16 {
        let named = self.codings.iter().find(|(coding, _)| encoding.is_called(coding));
        let any = self.codings.iter().find(|(coding, _)| *coding == "*");
        match (named.or(any), encoding) {
            (Some((_, weight)), _) => *weight,
            (None, Encoding::Identity) => 1,
            (None, _) => 0,
        }
    }
}

/// One item, `br;q=0.8`.
fn coding(item: &str) -> Option<(&str, u16)> {
    let (coding, parameter) = item.split_once(';').unwrap_or((item, "q=1"));
    let quality = parameter.trim().strip_prefix(['q', 'Q'])?.trim_start().strip_prefix('=')?;
    let quality: f32 = quality.trim().parse().ok().filter(|quality| (0.0..=1.0).contains(quality))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
    let thousandths = (quality * 1000.0).round() as u16;
    Some((coding.trim(), thousandths))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(accept: &str, there: &[Encoding]) -> Encoding {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::ACCEPT_ENCODING, accept.parse().expect("legal"));
        Accepted::by(&headers).best(|encoding| encoding == Encoding::Identity || there.contains(&encoding))
    }

    #[test]
    fn the_client_chooses_and_then_the_size() {
        use Encoding::{Brotli, Gzip, Identity, Zstd};
        let all = [Brotli, Zstd, Gzip];
        for (accept, there, wanted) in [
            ("gzip, deflate, br, zstd", &all[..], Brotli),
            ("gzip, deflate, br, zstd", &[Zstd, Gzip], Zstd),
            ("gzip, br", &[], Identity),
            ("br;q=0.5, gzip;q=0.8", &all, Gzip),
            ("BR;Q=1.0", &all, Brotli),
            ("br;q=0, *", &all, Zstd),
            ("x-gzip", &all, Gzip),
            ("", &all, Identity),
            ("deflate", &all, Identity),
            ("identity, br;q=0.9", &all, Identity),
            ("identity;q=0, *;q=0", &all, Identity),
            ("br;q=nonsense, gzip;q=7, zstd;level=3", &all, Identity),
        ] {
            assert_eq!(best(accept, there), wanted, "{accept}");
        }
    }
}
