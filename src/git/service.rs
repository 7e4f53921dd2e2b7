use crate::access::Right;
use axum::http::HeaderValue;

/// What a client wants of a repository.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Service {
    /// To push.
    ReceivePack,
    /// To fetch or clone.
    UploadPack,
}

impl Service {
    /// The one that git calls so.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        match name {
            "git-receive-pack" => Some(Self::ReceivePack),
            "git-upload-pack" => Some(Self::UploadPack),
            _ => None,
        }
    }

    /// The git command that serves it.
    pub(super) fn command(self) -> &'static str {
        match self {
            Self::ReceivePack => "receive-pack",
            Self::UploadPack => "upload-pack",
        }
    }

    /// What it needs of who asks.
    pub(super) fn right(self) -> Right {
        match self {
            Self::ReceivePack => Right::Change,
            Self::UploadPack => Right::See,
        }
    }

    /// The line before the list of references: a pkt-line, and a flush.
    pub(super) fn announcement(self) -> &'static str {
        match self {
            Self::ReceivePack => "001f# service=git-receive-pack\n0000",
            Self::UploadPack => "001e# service=git-upload-pack\n0000",
        }
    }

    pub(super) fn advertisement_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::ReceivePack => "application/x-git-receive-pack-advertisement",
            Self::UploadPack => "application/x-git-upload-pack-advertisement",
        })
    }

    pub(super) fn request_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::ReceivePack => "application/x-git-receive-pack-request",
            Self::UploadPack => "application/x-git-upload-pack-request",
        })
    }

    pub(super) fn result_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::ReceivePack => "application/x-git-receive-pack-result",
            Self::UploadPack => "application/x-git-upload-pack-result",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_is_as_long_as_it_says() {
        for service in [Service::ReceivePack, Service::UploadPack] {
            let line = service.announcement().strip_suffix("0000").expect("a flush");
            assert_eq!(usize::from_str_radix(&line[..4], 16), Ok(line.len()), "{line}");
            assert_eq!(Service::of_name(&format!("git-{}", service.command())), Some(service));
        }
        assert_eq!(Service::of_name("git-upload-archive"), None);
    }
}
