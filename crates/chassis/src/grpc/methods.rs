//! The methods that exist, read from the descriptors of the contracts.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use prost::Message as _;
use prost_types::FileDescriptorSet;

use crate::semconv;

/// A method of the contracts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Method {
    /// `voordeur.intake.v1.SignalIntakeService/SubmitSignal`, or `_OTHER`.
    pub(crate) name: Arc<str>,
    pub(crate) client_streams: bool,
    pub(crate) server_streams: bool,
}

static METHODS: LazyLock<HashMap<String, Method>> = LazyLock::new(|| {
    // Damaged descriptors would fail every test; here they only mean that no method has a name.
    let files = FileDescriptorSet::decode(voordeur_contracts::DESCRIPTORS).unwrap_or_default();
    let mut methods = HashMap::new();
    for file in files.file {
        for service in &file.service {
            for method in &service.method {
                let name = format!("{}.{}/{}", file.package(), service.name(), method.name());
                methods.insert(
                    format!("/{name}"),
                    Method {
                        name: name.into(),
                        client_streams: method.client_streaming(),
                        server_streams: method.server_streaming(),
                    },
                );
            }
        }
    }
    methods
});

impl Method {
    /// The method of a request's path. What does not exist shares one name, so that callers cannot make up names of spans and series.
    pub(crate) fn of(path: &str) -> Self {
        METHODS.get(path).cloned().unwrap_or_else(|| Self {
            name: semconv::OTHER.into(),
            client_streams: false,
            server_streams: false,
        })
    }

    /// Only the server keeps it open: it can be resumed elsewhere.
    pub(crate) const fn is_watch(&self) -> bool {
        self.server_streams && !self.client_streams
    }

    pub(crate) const fn is_stream(&self) -> bool {
        self.server_streams || self.client_streams
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_known_by_their_path_and_others_share_one_name() {
        let submit = Method::of("/voordeur.intake.v1.SignalIntakeService/SubmitSignal");
        assert_eq!(
            (&*submit.name, submit.is_stream()),
            ("voordeur.intake.v1.SignalIntakeService/SubmitSignal", false)
        );
        let bulk = Method::of("/voordeur.intake.v1.SignalIntakeService/SubmitSignals");
        assert!(bulk.is_stream() && !bulk.is_watch());
        assert!(Method::of("/voordeur.routing.v1.TaskService/WatchTasks").is_watch());
        assert_eq!(&*Method::of("/made.up/Name").name, "_OTHER");
    }
}
