//! Roles of people around a child. They come from the directory, never from a caller.

/// In which role somebody acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The embedded youth-care professional; holds tasks.
    Professional,
    /// The team coordinator, employed by the provider of youth care; holds tasks.
    Coordinator,
    /// Who raised the signal.
    Signaller,
    /// Intern begeleider of the school.
    InternBegeleider,
    /// Pedagogisch coach of the childcare organisation.
    PedagogischCoach,
    /// Aandachtsfunctionaris kindermishandeling en huiselijk geweld.
    Aandachtsfunctionaris,
    /// Jeugdgezondheidszorg.
    Jgz,
    /// Schoolmaatschappelijk werk.
    SchoolmaatschappelijkWerk,
    /// Wijkteam of the municipality.
    Wijkteam,
    /// Samenwerkingsverband passend onderwijs.
    Samenwerkingsverband,
    /// Leerplichtambtenaar.
    Leerplicht,
    /// Runs the installation.
    Operator,
    /// Looks at the log of who saw what.
    Auditor,
}

impl Role {
    /// Every role, in the order of the contract (its number there is the place here plus one).
    pub const ALL: [Self; 13] = [
        Self::Professional,
        Self::Coordinator,
        Self::Signaller,
        Self::InternBegeleider,
        Self::PedagogischCoach,
        Self::Aandachtsfunctionaris,
        Self::Jgz,
        Self::SchoolmaatschappelijkWerk,
        Self::Wijkteam,
        Self::Samenwerkingsverband,
        Self::Leerplicht,
        Self::Operator,
        Self::Auditor,
    ];

    /// The name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Professional => "professional",
            Self::Coordinator => "coordinator",
            Self::Signaller => "signaller",
            Self::InternBegeleider => "intern_begeleider",
            Self::PedagogischCoach => "pedagogisch_coach",
            Self::Aandachtsfunctionaris => "aandachtsfunctionaris",
            Self::Jgz => "jgz",
            Self::SchoolmaatschappelijkWerk => "schoolmaatschappelijk_werk",
            Self::Wijkteam => "wijkteam",
            Self::Samenwerkingsverband => "samenwerkingsverband",
            Self::Leerplicht => "leerplicht",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// May somebody in this role hold tasks?
    #[must_use]
    pub const fn holds_tasks(self) -> bool {
        matches!(self, Self::Professional | Self::Coordinator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_one_name() {
        for role in Role::ALL {
            assert_eq!(Role::by_name(role.name()), Some(role));
        }
    }
}
