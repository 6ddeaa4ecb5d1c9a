//! The report on outcomes: a fold over the whole log at a day of knowledge, made when somebody asks, and a register of what was published.

mod api;
mod build;
mod compact;
mod gather;
mod make;
mod plot;
mod register;
mod request;
#[cfg(test)]
mod tests;

pub(crate) use api::ReportApi;
pub(crate) use make::ReportOffice;
pub use register::read_report_event;
