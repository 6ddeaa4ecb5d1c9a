//! Names of attributes and metrics. RPC names are those of the OpenTelemetry semantic conventions 1.45 (stable there); messaging names
//! are its development version, applied to JetStream as docs/observability.md says.

/// Always `grpc` here.
pub const RPC_SYSTEM_NAME: &str = "rpc.system.name";
/// `package.Service/Method`, or [`OTHER`] when there is no such method.
pub const RPC_METHOD: &str = "rpc.method";
/// `OK`, `DEADLINE_EXCEEDED` and so on.
pub const RPC_STATUS_CODE: &str = "rpc.status_code";
/// Only on failure: the same as the status code.
pub const ERROR_TYPE: &str = "error.type";
/// Stands for every method that does not exist, so that callers cannot make up series.
pub const OTHER: &str = "_OTHER";
/// Histogram in seconds, one value per call.
pub const RPC_SERVER_CALL_DURATION: &str = "rpc.server.call.duration";
/// Boundaries that the conventions prescribe for call durations, in seconds.
pub const CALL_DURATION_BOUNDARIES: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Our own: which service of the process.
pub const VOORDEUR_SERVICE: &str = "voordeur.service";
