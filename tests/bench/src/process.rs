//! What a process costs, as the system tells it.

use std::fs;

/// Ticks of the processor clock in a second: a constant of the system's interface, whatever the kernel ticks with.
const TICKS: f64 = 100.0;

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Seconds of processor time.
    pub(crate) seconds: f64,
    /// Memory in bytes.
    pub(crate) memory: f64,
}

/// Processor time of the whole machine and of one's own part in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shares {
    busy: f64,
    all: f64,
    ours: f64,
}

impl Shares {
    /// Looks at the machine, at this process with the children it has buried, and at its living children.
    pub(crate) fn look(children: impl Iterator<Item = u32>) -> Self {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let of_all = stat.lines().next().unwrap_or_default();
        let ticks: Vec<f64> =
            of_all.split_whitespace().skip(1).take(8).filter_map(|text| text.parse().ok()).collect();
        let all: f64 = ticks.iter().sum();
        // Idle, and waiting for the disk, which is idle too.
        let idle: f64 = ticks.iter().skip(3).take(2).sum();
        let own = stat_fields(std::process::id(), &[11, 12, 13, 14]);
        let ours = own + children.map(|child| stat_fields(child, &[11, 12])).sum::<f64>();
        Self { busy: all - idle, all, ours }
    }

    /// The part of the machine that others took since an earlier look, 0-1.
    pub(crate) fn of_others_since(&self, earlier: &Self) -> f64 {
        let others = (self.busy - earlier.busy) - (self.ours - earlier.ours);
        (others / (self.all - earlier.all).max(1.0)).max(0.0)
    }
}

/// The sum of some numbers of `/proc/<process>/stat`, counted from the state.
fn stat_fields(process: u32, fields: &[usize]) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name stands in brackets and may hold anything.
    let found: Vec<&str> = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ').collect();
    fields.iter().filter_map(|field| found.get(*field)?.parse::<f64>().ok()).sum()
}

/// Looks at a process.
pub(crate) fn usage(process: u32) -> Usage {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let memory = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    Usage { seconds: stat_fields(process, &[11, 12]) / TICKS, memory: memory.unwrap_or(0.0) * 1024.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_take_is_what_is_busy_without_us() {
        let before = Shares { busy: 100.0, all: 200.0, ours: 40.0 };
        let after = Shares { busy: 180.0, all: 300.0, ours: 70.0 };
        assert!((after.of_others_since(&before) - 0.5).abs() < 1e-9);
        let now = Shares::look([1].into_iter());
        assert!(now.all >= now.busy && now.busy > 0.0);
    }

    #[test]
    fn this_process_uses_memory_and_one_that_is_not_there_uses_nothing() {
        assert!(usage(std::process::id()).memory > 0.0);
        let nobody = usage(u32::MAX);
        assert!(nobody.memory == 0.0 && nobody.seconds == 0.0);
    }
}
