//! Reading what callers send. Every fault at once.

use voordeur_chassis::{Identity, Problem, edge::check_command_key, identity};
use voordeur_contracts::{
    common::{CommandContext, SealedText, TextPurpose},
    routing::PlanMeetingRequest,
};
use voordeur_kernel::{ErrorKind, Faults, ProfessionalKey, Role, TaskId};
use voordeur_routing_domain::task::{MEETING_PEOPLE_MAX, MeetingWish, Parents, Sealed};

use super::check::may_be_asked;
use crate::{
    codec::{read_sealed, words::Word},
    office::{Act, Office},
};

/// Largest sealed text that is taken, in bytes: 4,000 characters of at most four bytes, with nonce and tag.
const SEALED_BYTES_MAX: usize = 16 * 1024 + 64;

/// Most roles that one meeting invites: there are not more.
const ROLES_MAX: usize = 20;

/// The person who calls; source systems and operators have no tasks.
pub(crate) fn person<T>(request: &tonic::Request<T>) -> Result<ProfessionalKey, Problem> {
    match identity(request)? {
        Identity::Person(key) => Ok(key.clone()),
        Identity::Organisation(_) | Identity::Operator => {
            Err(Problem::not_allowed("PEOPLE_ONLY", "only people of the team may do this"))
        }
    }
}

/// Reads the fields of one request.
#[derive(Default)]
pub(crate) struct Reader {
    faults: Faults,
}

impl Reader {
    pub(crate) fn task(&mut self, text: &str) -> Option<TaskId> {
        self.faults.take("task_id", "NOT_AN_ID", text.parse())
    }

    pub(crate) fn word<W: Word>(&mut self, field: &str, number: i32) -> Option<W> {
        let word = W::of(number);
        if word.is_none() {
            self.faults.add(field, "REQUIRED", "choose one of the listed values");
        }
        word
    }

    /// A list of words, each once, at most so many.
    pub(crate) fn words<W: Word + PartialEq>(
        &mut self,
        field: &str,
        numbers: &[i32],
        at_most: usize,
    ) -> Option<Vec<W>> {
        if numbers.len() > at_most {
            self.faults.add(field, "TOO_MANY", format!("give at most {at_most}"));
            return None;
        }
        let read: Vec<Option<W>> = numbers
            .iter()
            .enumerate()
            .map(|(place, number)| self.word(&format!("{field}[{place}]"), *number))
            .collect();
        let mut words = Vec::with_capacity(read.len());
        for word in read {
            let word = word?;
            if !words.contains(&word) {
                words.push(word);
            }
        }
        Some(words)
    }

    pub(crate) fn key<K: std::str::FromStr>(&mut self, field: &str, text: &str) -> Option<K>
    where
        K::Err: std::fmt::Display,
    {
        self.faults.take(field, "NOT_A_KEY", text.parse())
    }

    pub(crate) fn optional_key<K: std::str::FromStr>(&mut self, field: &str, text: &str) -> Option<K>
    where
        K::Err: std::fmt::Display,
    {
        if text.is_empty() { None } else { self.key(field, text) }
    }

    pub(crate) fn moment(
        &mut self,
        field: &str,
        wire: Option<&prost_types::Timestamp>,
    ) -> Option<voordeur_kernel::Timestamp> {
        let moment = wire.and_then(voordeur_contracts::convert::from_wire_time);
        if moment.is_none() {
            self.faults.add(field, "REQUIRED", "give a moment");
        }
        moment
    }

    pub(crate) fn sealed(&mut self, field: &str, wire: Option<&SealedText>) -> Option<Sealed> {
        let wire = wire?;
        let sealed = match read_sealed(wire) {
            Ok(sealed) => sealed,
            Err(part) => {
                self.faults.add(format!("{field}.{part}"), "NOT_SEALED", "give what SealText returned");
                return None;
            }
        };
        if wire.purpose != TextPurpose::Answer as i32 {
            self.faults.add(format!("{field}.purpose"), "WRONG_PURPOSE", "seal the text as an answer");
        }
        if wire.r#box.is_empty() || wire.r#box.len() > SEALED_BYTES_MAX {
            self.faults.add(format!("{field}.box"), "TOO_LONG", "give what SealText returned");
        }
        Some(sealed)
    }

    /// What a meeting is to be.
    pub(crate) fn meeting(&mut self, message: &PlanMeetingRequest) -> Option<MeetingWish> {
        let at = self.moment("at", message.at.as_ref());
        let roles: Option<Vec<Role>> = self.words("roles", &message.roles, ROLES_MAX);
        for (place, number) in message.roles.iter().enumerate() {
            if Role::of(*number).is_some_and(|role| !may_be_asked(role)) {
                let field = format!("roles[{place}]");
                self.faults.add(field, "NOT_A_COLLEAGUE", "choose a role that can be asked along");
            }
        }
        if message.people.len() > MEETING_PEOPLE_MAX {
            self.faults.add("people", "TOO_MANY", format!("give at most {MEETING_PEOPLE_MAX}"));
        }
        let read = |(place, person): (usize, &String)| self.key(&format!("people[{place}]"), person);
        let people: Vec<Option<ProfessionalKey>> =
            message.people.iter().take(MEETING_PEOPLE_MAX).enumerate().map(read).collect();
        let parents = match (message.without_parents, message.invite_parents) {
            (0, false) => Some(Parents::AsUsual),
            (0, true) => Some(Parents::Invited),
            (reason, false) => self.word("without_parents", reason).map(Parents::Without),
            (_, true) => {
                let how = "either invite the parents, or say why not";
                self.faults.add("invite_parents", "CONTRADICTION", how);
                None
            }
        };
        let people: Option<Vec<ProfessionalKey>> = people.into_iter().collect();
        let (((at, roles), people), parents) = at.zip(roles).zip(people).zip(parents)?;
        Some(MeetingWish { at, roles, people, parents })
    }

    pub(crate) fn fault(&mut self, field: &str, reason: &'static str, description: &'static str) {
        self.faults.add(field, reason, description);
    }

    /// The act. Its commit covers the name of the call and everything it asks for, but not the version that was seen: the same tap
    /// after another look is the same act.
    pub(crate) fn act(
        &mut self,
        office: &Office,
        person: &ProfessionalKey,
        context: Option<&CommandContext>,
        content: &[u8],
    ) -> Option<Act> {
        let Some(context) = context else {
            self.faults.add("command", "REQUIRED", "give an idempotency key");
            return None;
        };
        let key = &context.idempotency_key;
        if !check_command_key(key, &mut self.faults) {
            return None;
        }
        let id = office.deriver.command_id(&format!("person:{person}"), key);
        // A version beyond what is counted was never seen; it is compared and found wrong.
        let seen_version = u32::try_from(context.seen_version).unwrap_or(u32::MAX);
        Some(Act { id, commit: office.deriver.commit_id(id, content), seen_version })
    }

    /// A value, when nothing was wrong.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, Problem> {
        self.faults.finish(value).map_err(|faults| {
            if faults.is_empty() {
                Problem::new(ErrorKind::Broken, "BROKEN", "a request was read without a value")
            } else {
                Problem::invalid(faults)
            }
        })
    }
}

/// What an act covers: the name of the call and the request without its context.
pub(super) fn content(name: &str, request: &impl prost::Message) -> Vec<u8> {
    let mut content = name.as_bytes().to_vec();
    content.push(0);
    content.extend(request.encode_to_vec());
    content
}
