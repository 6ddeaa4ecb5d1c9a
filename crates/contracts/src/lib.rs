//! The contracts between services and with the outside: generated protobuf, and conversions to and from the kernel's types that
//! report every fault.

pub mod convert;

#[allow(missing_docs, clippy::all, clippy::pedantic, clippy::allow_attributes_without_reason, unreachable_pub, reason = "generated code")]
#[rustfmt::skip]
mod generated {
    pub mod voordeur {
        pub mod common { pub mod v1 { include!("gen/voordeur.common.v1.rs"); } }
        pub mod event { pub mod v1 { include!("gen/voordeur.event.v1.rs"); } }
        pub mod intake { pub mod v1 { include!("gen/voordeur.intake.v1.rs"); } }
        pub mod routing { pub mod v1 { include!("gen/voordeur.routing.v1.rs"); } }
        pub mod escalation { pub mod v1 { include!("gen/voordeur.escalation.v1.rs"); } }
    }
}

pub use generated::voordeur::{
    common::v1 as common, escalation::v1 as escalation, event::v1 as event, intake::v1 as intake,
    routing::v1 as routing,
};

/// The compiled descriptors of every contract: for reflection, protobuf JSON and tests.
pub const DESCRIPTORS: &[u8] = include_bytes!("gen/descriptors.binpb");
