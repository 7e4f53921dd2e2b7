//! The API as a client sees it: through [`Api::router`](super::Api::router), without sockets, over the real rooms
//! below it.

mod access;
mod accounts;
mod changes;
mod door;
mod logs;
mod one_offs;
mod permissions;
mod refusals;
mod routes;
mod shapes;
mod uploads;
