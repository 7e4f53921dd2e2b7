//! Plays the plan: steps are carried out at once, events happen as a script or as chance has it.

mod cases;
mod properties;
mod world;
