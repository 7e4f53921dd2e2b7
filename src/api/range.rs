use std::{fmt, num::NonZeroU16, str::FromStr};

/// The most rows of one page.
const MOST: u16 = 1000;

/// What a `Range` header asks of a list: `version ]9..; max=10, order=desc`. A value; it knows no list.
///
/// Bounds stand in the order in which rows are given: with `order=desc` the first one is the greater.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct ListRange {
    /// Which property orders the rows; `None`: the list's own.
    pub(super) field: Option<String>,
    pub(super) start: Option<Bound>,
    /// The last row, which belongs to the range.
    pub(super) end: Option<String>,
    pub(super) max: Option<NonZeroU16>,
    pub(super) descending: bool,
}

/// The first row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Bound {
    pub(super) value: String,
    /// Whether the row itself is left out: `]`.
    pub(super) exclusive: bool,
}

/// The text is no range.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum InvalidRange {
    #[error("The Range header is not `FIELD START..END; max=N, order=asc|desc`.")]
    Shape,
    #[error("`max` in the Range header must be a number from 1 to {MOST}.")]
    Max,
    #[error("`order` in the Range header must be asc or desc.")]
    Order,
}

impl FromStr for ListRange {
    type Err = InvalidRange;

    fn from_str(text: &str) -> Result<Self, InvalidRange> {
        let (selection, options) = text.split_once(';').unwrap_or((text, ""));
        let mut range = Self::selecting(selection.trim())?;
        for option in options.split([';', ',']).map(str::trim).filter(|option| !option.is_empty()) {
            match option.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
                Some(("max", max)) => range.max = Some(page_size(max)?),
                Some(("order", "asc")) => range.descending = false,
                Some(("order", "desc")) => range.descending = true,
                Some(("order", _)) => return Err(InvalidRange::Order),
                _ => return Err(InvalidRange::Shape),
            }
        }
        Ok(range)
    }
}

fn page_size(text: &str) -> Result<NonZeroU16, InvalidRange> {
    let max = text.parse().ok().filter(|max: &NonZeroU16| max.get() <= MOST);
    max.ok_or(InvalidRange::Max)
}

impl ListRange {
    /// The range of `FIELD START..END`, of which every part may be missing.
    fn selecting(text: &str) -> Result<Self, InvalidRange> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let (before, end) = text.split_once("..").ok_or(InvalidRange::Shape)?;
        let (field, start) = before.split_once(' ').unwrap_or(("", before));
        let (field, start, end) = (field.trim(), start.trim(), end.trim());
        let (start, exclusive) = start.strip_prefix(']').map_or((start, false), |start| (start, true));
        if [field, start, end].iter().any(|part| part.contains([' ', '=', ']']))
            || (exclusive && start.is_empty())
        {
            return Err(InvalidRange::Shape);
        }
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let start = some(start).map(|value| Bound { value, exclusive });
        Ok(Self { field: some(field), start, end: some(end), ..Self::default() })
    }
}

/// As it is read; what `Next-Range` carries.
impl fmt::Display for ListRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field {
            write!(f, "{field} ")?;
        }
        if let Some(Bound { value, exclusive }) = &self.start {
            write!(f, "{}{value}", if *exclusive { "]" } else { "" })?;
        }
        write!(f, "..{}; ", self.end.as_deref().unwrap_or_default())?;
        if let Some(max) = self.max {
            write!(f, "max={max}, ")?;
        }
        write!(f, "order={}", if self.descending { "desc" } else { "asc" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(text: &str) -> ListRange {
        text.parse().expect(text)
    }

    #[test]
    fn ranges_are_read_as_clients_send_them() {
        let newest = range("version ..; max=15, order=desc");
        assert_eq!((newest.field.as_deref(), newest.max.map(NonZeroU16::get)), (Some("version"), Some(15)));
        assert!(newest.descending && newest.start.is_none() && newest.end.is_none());
        assert_eq!(range("version ..; order=desc,max=15"), newest);
        assert_eq!(range("id ..; max=1000;").max.map(NonZeroU16::get), Some(1000));
        assert_eq!(range(""), ListRange::default());
        let next = range("version ]9..2; max=2");
        assert_eq!(next.start, Some(Bound { value: "9".to_owned(), exclusive: true }));
        assert_eq!(next.end.as_deref(), Some("2"));
    }

    #[test]
    fn others_are_refused_with_words() {
        let error = |text: &str| text.parse::<ListRange>().expect_err(text).to_string();
        insta::assert_snapshot!(error("bytes=0-5"), @"The Range header is not `FIELD START..END; max=N, order=asc|desc`.");
        insta::assert_snapshot!(error("id ..; max=0"), @"`max` in the Range header must be a number from 1 to 1000.");
        insta::assert_snapshot!(error("id ..; order=up"), @"`order` in the Range header must be asc or desc.");
        for text in ["id", "id ..; max=1001", "id ..; shoes=2", "id ]..", "a b c.."] {
            assert!(text.parse::<ListRange>().is_err(), "{text}");
        }
    }

    fn words() -> impl Strategy<Value = Option<String>> {
        proptest::option::of("[a-z0-9~:-]{1,12}")
    }

    fn ranges() -> impl Strategy<Value = ListRange> {
        let start = proptest::option::of(("[a-z0-9~:-]{1,12}", any::<bool>()));
        let max = proptest::option::of((1..=MOST).prop_filter_map("0", NonZeroU16::new));
        (words(), start, words(), max, any::<bool>()).prop_map(|(field, start, end, max, descending)| {
            let start = start.map(|(value, exclusive)| Bound { value, exclusive });
            ListRange { field, start, end, max, descending }
        })
    }

    proptest! {
        #[test]
        fn a_range_is_read_as_it_is_written(range in ranges()) {
            prop_assert_eq!(range.to_string().parse(), Ok(range));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}|[a-z ]{0,4}[].=;,a-z0-9 ]{0,30}") {
            let _ = text.parse::<ListRange>();
        }
    }
}
