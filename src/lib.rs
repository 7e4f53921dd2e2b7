//! Hokku.
pub mod app;
pub mod clock;
pub mod name;
