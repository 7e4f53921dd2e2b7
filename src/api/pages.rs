use super::{
    error::ApiError,
    range::{Bound, ListRange},
};
use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::{cmp::Ordering, num::NonZeroU16};

/// How many rows a page has unless told otherwise.
const USUAL: NonZeroU16 = NonZeroU16::new(200).expect("not zero");

/// What separates a value from the id in a bound of a property that several rows may share.
const TIE: char = '~';

/// A row of a list.
pub(super) trait Listed: Serialize + 'static {
    /// By which properties it can be ordered; by the first one unless told otherwise.
    const FIELDS: &'static [Field<Self>];

    /// What tells rows apart that share a property.
    fn id(&self) -> &str;
}

/// A property that orders rows.
pub(super) struct Field<T: ?Sized> {
    pub(super) name: &'static str,
    pub(super) key: fn(&T) -> Key,
    /// Whether no two rows share it.
    pub(super) unique: bool,
}

/// A property's value, to compare.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Key {
    Text(String),
    Number(u64),
}

impl Key {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// `text` as a value of the same kind as this one.
    fn like(&self, text: &str) -> Option<Self> {
        match self {
            Self::Text(_) => Some(Self::Text(text.to_owned())),
            Self::Number(_) => text.strip_prefix('v').unwrap_or(text).parse().ok().map(Self::Number),
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// The request's `Range`.
pub(super) struct Pages(ListRange);

impl<S: Sync> FromRequestParts<S> for Pages {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Some(range) = parts.headers.get(header::RANGE) else { return Ok(Self(ListRange::default())) };
        let range = range.to_str().unwrap_or("?").parse();
        range.map(Self).map_err(|error: super::range::InvalidRange| ApiError::range(error.to_string()))
    }
}

/// A part of a list, and what to say about the rest.
#[derive(Debug)]
pub(super) struct Page<T> {
    rows: Vec<T>,
    accepts: String,
    content: String,
    next: Option<String>,
}

impl Pages {
    /// The page of `rows` that was asked for.
    pub(super) fn of<T: Listed>(self, rows: impl IntoIterator<Item = T>) -> Result<Page<T>, ApiError> {
        let Self(range) = self;
        let field = field_of::<T>(&range)?;
        let mut rows: Vec<T> = rows.into_iter().collect();
        let order = |ordering: Ordering| if range.descending { ordering.reverse() } else { ordering };
        let place = |row: &T| ((field.key)(row), row.id().to_owned());
        rows.sort_by(|a, b| order(place(a).cmp(&place(b))));
        if let Some(sample) = rows.first().map(field.key) {
            let start = range.start.as_ref().map(|start| Edge::of(start, &sample, field)).transpose()?;
            let end = range.end.clone().map(|value| Bound { value, exclusive: false });
            let end = end.map(|end| Edge::of(&end, &sample, field)).transpose()?;
            rows.retain(|row| {
                let (key, id) = place(row);
                let after = |edge: &Edge| order(edge.compare(&key, &id));
                start.as_ref().is_none_or(|start| match after(start) {
                    Ordering::Less => false,
                    Ordering::Equal => !start.exclusive,
                    Ordering::Greater => true,
                }) && end.as_ref().is_none_or(|end| after(end) != Ordering::Greater)
            });
        }
        Ok(Page::cut(rows, field, range))
    }
}

fn field_of<T: Listed>(range: &ListRange) -> Result<&'static Field<T>, ApiError> {
    let named = |name: &String| T::FIELDS.iter().find(|field| field.name == *name);
    let field = range.field.as_ref().map_or(T::FIELDS.first(), named);
    field.ok_or_else(|| {
        ApiError::range(format!("This list has no range by that field: use one of {}.", names::<T>()))
    })
}

fn names<T: Listed>() -> String {
    T::FIELDS.iter().map(|field| field.name).collect::<Vec<_>>().join(", ")
}

/// Where a range begins or ends.
struct Edge {
    key: Key,
    id: Option<String>,
    exclusive: bool,
}

impl Edge {
    fn of<T>(bound: &Bound, sample: &Key, field: &Field<T>) -> Result<Self, ApiError> {
        let tie = if field.unique { None } else { bound.value.split_once(TIE) };
        let (value, id) =
            tie.map_or((bound.value.as_str(), None), |(value, id)| (value, Some(id.to_owned())));
        let refused = || ApiError::range(format!("The bounds of a range by {} must be numbers.", field.name));
        Ok(Self { key: sample.like(value).ok_or_else(refused)?, id, exclusive: bound.exclusive })
    }

    /// How a row compares with the edge.
    fn compare(&self, key: &Key, id: &str) -> Ordering {
        let by_id = || self.id.as_deref().map_or(Ordering::Equal, |own| id.cmp(own));
        key.cmp(&self.key).then_with(by_id)
    }
}

impl<T: Listed> Page<T> {
    fn cut(mut rows: Vec<T>, field: &Field<T>, range: ListRange) -> Self {
        let max = range.max.unwrap_or(USUAL);
        let more = rows.len() > usize::from(max.get());
        rows.truncate(usize::from(max.get()));
        let key = |row: Option<&T>| row.map(|row| (field.key)(row).to_string()).unwrap_or_default();
        let content = format!("{} {}..{}", field.name, key(rows.first()), key(rows.last()));
        let next = rows.last().filter(|_| more).map(|last| {
            let tie = if field.unique { String::new() } else { format!("{TIE}{}", last.id()) };
            let start = Bound { value: format!("{}{tie}", (field.key)(last)), exclusive: true };
            ListRange { field: Some(field.name.to_owned()), start: Some(start), max: Some(max), ..range }
                .to_string()
        });
        Self { rows, accepts: names::<T>(), content, next }
    }
}

impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let Self { rows, accepts, content, next } = self;
        let status = if next.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
        let mut response = (status, Json(rows)).into_response();
        let told = [
            (header::ACCEPT_RANGES, Some(accepts)),
            (header::CONTENT_RANGE, Some(content)),
            (HeaderName::from_static("next-range"), next),
        ];
        for (name, value) in told {
            // Every key is of letters, digits and `-:.`, so that none is left out here.
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug, Eq, PartialEq, Serialize)]
    struct Row {
        id: String,
        version: u64,
        at: String,
    }

    impl Listed for Row {
        const FIELDS: &'static [Field<Self>] = &[
            Field { name: "id", key: |row| Key::text(&row.id), unique: true },
            Field { name: "version", key: |row| Key::Number(row.version), unique: true },
            Field { name: "at", key: |row| Key::text(&row.at), unique: false },
        ];

        fn id(&self) -> &str {
            &self.id
        }
    }

    fn rows(count: u64) -> Vec<Row> {
        let row = |n| Row { id: format!("{:02}", n * 7 % 50), version: n + 1, at: format!("t{}", n % 3) };
        (0..count).map(row).collect()
    }

    fn page(range: &str, count: u64) -> Page<Row> {
        Pages(range.parse().expect(range)).of(rows(count)).expect(range)
    }

    fn versions(page: &Page<Row>) -> Vec<u64> {
        page.rows.iter().map(|row| row.version).collect()
    }

    #[test]
    fn a_page_says_where_it_stands_and_where_the_next_begins() {
        let newest = page("version ..; max=2, order=desc", 10);
        assert_eq!(versions(&newest), [10, 9]);
        insta::assert_snapshot!(newest.content, @"version 10..9");
        insta::assert_snapshot!(newest.next.as_deref().unwrap_or_default(), @"version ]9..; max=2, order=desc");
        let last = page("version 2..5; max=7", 10);
        assert_eq!((versions(&last), last.next), (vec![2, 3, 4, 5], None));
        assert_eq!(versions(&page("version v9..", 10)), [9, 10]);
        assert_eq!(versions(&page("version 3..2; order=desc", 10)), [3, 2]);
    }

    #[test]
    fn ranges_that_a_list_does_not_have_are_refused() {
        let error =
            |range: &str| format!("{:?}", Pages(range.parse().expect(range)).of(rows(3)).expect_err(range));
        insta::assert_snapshot!(error("size .."), @r#"ApiError { status: 416, id: "requested_range_not_satisfiable", message: "This list has no range by that field: use one of id, version, at.", resource: None }"#);
        insta::assert_snapshot!(error("version a.."), @r#"ApiError { status: 416, id: "requested_range_not_satisfiable", message: "The bounds of a range by version must be numbers.", resource: None }"#);
    }

    proptest! {
        #[test]
        fn pages_give_every_row_once_and_in_order(
            count in 0_u64..50,
            max in 1_u64..20,
            field in proptest::sample::select(vec!["id", "version", "at"]),
            order in proptest::sample::select(vec!["asc", "desc"]),
        ) {
            let whole = page(&format!("{field} ..; max=1000, order={order}"), count).rows;
            let mut range = Some(format!("{field} ..; max={max}, order={order}"));
            let mut read = Vec::new();
            while let Some(next) = range {
                let page = page(&next, count);
                prop_assert!(page.rows.len() as u64 <= max);
                read.extend(page.rows);
                range = page.next;
            }
            prop_assert_eq!(read.len() as u64, count);
            prop_assert_eq!(read, whole);
        }
    }
}
