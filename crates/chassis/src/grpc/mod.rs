//! What stands around every gRPC call.

pub mod deadline;
