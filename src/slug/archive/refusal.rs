use super::limits;
use crate::slug::Size;

/// Why an entry may not be in a slug, and what to do about it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The name is not UTF-8.
    #[error("its name is not UTF-8: rename it")]
    NotUtf8,
    /// The name holds a NUL byte.
    #[error("its name holds a NUL byte: rename it")]
    Nul,
    /// The path starts at the root of a file system.
    #[error("its path is absolute: paths in a slug start at the app's root")]
    Absolute,
    /// The path has a `..` component.
    #[error("its path has a `..` component: paths in a slug only go down from the app's root")]
    Parent,
    /// The path is empty, or has an empty or `.` component.
    #[error("its path has an empty or `.` component: write each path in its shortest form")]
    NotPlain,
    /// The path is too long.
    #[error("its path has {length} bytes; the limit is {}: shorten it", limits::PATH_BYTES)]
    TooLong {
        /// Bytes of the path.
        length: usize,
    },
    /// One component is too long.
    #[error("a name in its path has {length} bytes; the limit is {}: shorten it", limits::NAME_BYTES)]
    NameTooLong {
        /// Bytes of the component.
        length: usize,
    },
    /// The path has too many components.
    #[error("it lies {depth} directories deep; the limit is {}: flatten the tree", limits::DEPTH)]
    TooDeep {
        /// Components of the path.
        depth: usize,
    },
    /// Compiled WebAssembly, by name or by content.
    #[error(
        "compiled WebAssembly is native code and is made on the host only: put the `.wasm` file there instead"
    )]
    Compiled,
    /// A program that is not WebAssembly.
    #[error("it is listed as a program and is not WebAssembly: build the app again")]
    NotWasm,
    /// A link with an absolute target.
    #[error("it links to the absolute path `{target}`: link to a relative path inside the app")]
    LinkAbsolute {
        /// Where it points.
        target: String,
    },
    /// A link that leads out of the tree.
    #[error("it links to `{target}`, which is outside of the app: put the file into the app")]
    LinkLeaves {
        /// Where it points.
        target: String,
    },
    /// A link with `..` after a name, whose meaning depends on other links.
    #[error("its link target `{target}` has `..` after a name: write the target with `..` only at its start")]
    LinkWinds {
        /// Where it points.
        target: String,
    },
    /// A link target that is empty, too long, not UTF-8 or holds a NUL byte.
    #[error(
        "its link target is empty, not UTF-8, or longer than {} bytes: make the link anew",
        limits::PATH_BYTES
    )]
    LinkTarget,
    /// A hard link.
    #[error("it is a hard link: archives of slugs hold each file by itself")]
    HardLink,
    /// A device, FIFO or socket.
    #[error("it is a {0}: a slug holds only files, directories and symbolic links")]
    Special(&'static str),
    /// A header of the archive that slugs do not use (PAX, sparse, continuation).
    #[error("its archive entry uses {0}, which archives of slugs never do: build the app again")]
    Header(&'static str),
    /// A second entry of that path.
    #[error("it is in the archive twice: build the app again")]
    Duplicate,
    /// The entry is not where it belongs.
    #[error("it comes after `{after}` in the archive, where it cannot be: build the app again")]
    OutOfOrder {
        /// The entry before.
        after: String,
    },
    /// An entry below a symbolic link.
    #[error("it lies below `{link}`, which is a symbolic link: build the app again")]
    BelowLink {
        /// The link.
        link: String,
    },
    /// An entry below something that is no directory of the archive.
    #[error("it lies in a directory that the archive does not have: build the app again")]
    NoDirectory,
    /// Too many entries, counted to this one.
    #[error(
        "the tree has more than {limit} files, directories and links: leave out what the app does not need when it runs"
    )]
    TooManyEntries {
        /// The most allowed.
        limit: u64,
    },
    /// Too many bytes, counted to this entry.
    #[error("with it the tree has more than {} unpacked: leave out files the app does not need when it runs", Size(*limit))]
    TooManyBytes {
        /// The most allowed.
        limit: u64,
    },
    /// The tree unpacks to suspiciously much.
    #[error(
        "with it the tree unpacks to more than {limit} times its packed size: leave out files of one repeated byte"
    )]
    Ratio {
        /// The most allowed.
        limit: u64,
    },
}
