use super::{Api, error::ApiError};
use crate::slug::Size;
use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
};
use serde_json::{Map, Value};
use std::{error::Error, time::Duration};

/// How long a body of JSON may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// The JSON object of a request's body; an empty body is an empty object. Properties that nobody asks for are passed
/// over, as Heroku does; what is asked for and of the wrong kind is refused by its name, without showing it.
#[derive(Default)]
pub(super) struct Fields {
    within: String,
    map: Map<String, Value>,
}

impl FromRequest<Api> for Fields {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        let limit = api.config().limits.json_limit;
        let body = tokio::time::timeout(PATIENCE, to_bytes(request.into_body(), limit));
        let body = api.until_stop(body).await?.map_err(|_| ApiError::too_slow("body", PATIENCE))?;
        let bytes = body.map_err(|error| {
            if error.source().is_some_and(<dyn Error>::is::<http_body_util::LengthLimitError>) {
                ApiError::too_large(format!("The body is larger than {}: send less.", Size(limit as u64)))
            } else {
                ApiError::malformed("The body ended before it was complete.")
            }
        })?;
        Self::parse(&bytes)
    }
}

impl Fields {
    fn parse(body: &[u8]) -> Result<Self, ApiError> {
        if body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let value = serde_json::from_slice(body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            ApiError::malformed(format!("The body is not JSON: see line {line}, column {column}."))
        })?;
        Self::of(String::new(), value).ok_or_else(|| ApiError::malformed("The body must be a JSON object."))
    }

    fn of(within: String, value: Value) -> Option<Self> {
        if let Value::Object(map) = value { Some(Self { within, map }) } else { None }
    }

    /// Every property with its value.
    pub(super) fn into_map(self) -> Map<String, Value> {
        self.map
    }

    /// The value of `name`; `null` is none.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    fn must_be(&self, name: &str, what: &str) -> ApiError {
        ApiError::invalid(format!("`{}{name}` must be {what}.", self.within))
    }

    /// The refusal for a property that must be there.
    pub(super) fn needs(&self, name: &str) -> ApiError {
        ApiError::invalid(format!("`{}{name}` is required.", self.within))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let value = self.value(name);
        value.map(|value| value.as_str().ok_or_else(|| self.must_be(name, "a string"))).transpose()
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        let value = self.value(name);
        value.map(|value| value.as_bool().ok_or_else(|| self.must_be(name, "true or false"))).transpose()
    }

    pub(super) fn count(&self, name: &str) -> Result<Option<u64>, ApiError> {
        let value = self.value(name);
        let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
        value.map(|value| number(value).ok_or_else(|| self.must_be(name, "a whole number"))).transpose()
    }

    /// What names something: a string, a number, or an object with `id` or `name`, as the official CLI sends.
    pub(super) fn identity(&self, name: &str) -> Result<Option<String>, ApiError> {
        let word = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Object(map) => {
                let named = map.get("id").or_else(|| map.get("name"));
                named.and_then(Value::as_str).map(str::to_owned)
            }
            _ => None,
        };
        let what = "a name or an id, or an object with one of them";
        self.value(name).map(|value| word(value).ok_or_else(|| self.must_be(name, what))).transpose()
    }

    /// The object at `name`.
    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, ApiError> {
        let within = format!("{}{name}.", self.within);
        let object = |value: &Value| Self::of(within, value.clone());
        self.value(name).map(|value| object(value).ok_or_else(|| self.must_be(name, "an object"))).transpose()
    }

    /// The objects of the array at `name`.
    pub(super) fn objects(&self, name: &str) -> Result<Option<Vec<Self>>, ApiError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let items = value.as_array().ok_or_else(|| self.must_be(name, "an array of objects"))?;
        let place = |index| format!("{}{name}[{index}]", self.within);
        let objects = items.iter().enumerate().map(|(index, item)| {
            let object = Self::of(format!("{}.", place(index)), item.clone());
            object.ok_or_else(|| ApiError::invalid(format!("`{}` must be an object.", place(index))))
        });
        objects.collect::<Result<_, _>>().map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(error: &ApiError) -> String {
        format!("{error:?}")
    }

    fn fields(value: &Value) -> Fields {
        Fields::parse(value.to_string().as_bytes()).expect("an object")
    }

    #[test]
    fn refusals_name_the_place_and_show_no_value() {
        let body = fields(&json!({ "name": 5, "list": [{ "url": ["hunter2"] }] }));
        let error = body.text("name").expect_err("no string");
        insta::assert_snapshot!(message(&error), @r#"ApiError { status: 422, id: "invalid_params", message: "`name` must be a string.", resource: None }"#);
        let list = body.objects("list").expect("objects").expect("there");
        let error = list[0].text("url").expect_err("no string");
        insta::assert_snapshot!(message(&error), @r#"ApiError { status: 422, id: "invalid_params", message: "`list[0].url` must be a string.", resource: None }"#);
        let error = Fields::parse(b"{\n  \"a\": hunter2 }").err().expect("no JSON");
        insta::assert_snapshot!(message(&error), @r#"ApiError { status: 400, id: "bad_request", message: "The body is not JSON: see line 2, column 8.", resource: None }"#);
    }

    #[test]
    fn an_identity_is_a_word_or_an_object_with_one() {
        let body =
            fields(&json!({ "a": "x", "b": { "name": "x" }, "c": { "id": "x", "name": "y" }, "d": 5 }));
        let words: Vec<_> = ["a", "b", "c", "d", "e"].map(|name| body.identity(name).expect("one")).into();
        assert_eq!(
            words,
            ["x", "x", "x", "5"]
                .map(|word| Some(word.to_owned()))
                .into_iter()
                .chain([None])
                .collect::<Vec<_>>()
        );
        assert!(fields(&json!({ "a": [] })).identity("a").is_err());
    }
}
