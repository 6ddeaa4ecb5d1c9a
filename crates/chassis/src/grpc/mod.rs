//! What stands around every gRPC call, from outside in: identity, span and metric, bounds, deadline, panics. One layer, because the
//! order matters and each needs what the one before found.

mod body;
mod call;
pub mod deadline;
mod layer;
mod methods;
mod sizes;

pub use layer::{CallLayer, CallService};
