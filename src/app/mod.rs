//! The app: how an app is set.
//!
//! # Owns
//! Config vars: which keys and sizes are legal, and that their values show up nowhere by accident. Dyno sizes.
//!
//! # Not here
//! Where config vars come from (`.env` in [`crate::serve`]) and who receives them ([`crate::dyno`]).

mod config_vars;
mod dyno_size;

pub use config_vars::{
    ConfigChanges, ConfigKey, ConfigVars, DotenvError, InvalidConfigKey, InvalidConfigVars,
};
pub use dyno_size::{DynoSize, InvalidDynoSize};
