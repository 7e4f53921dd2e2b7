//! Whole deploys, changes and collections, with everything real but the network and the disk of the ledger.

mod changes;
mod deploys;
mod fixture;
mod keeping;
