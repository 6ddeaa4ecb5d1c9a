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

/// Looks at a process.
pub(crate) fn usage(process: u32) -> Usage {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name stands in brackets and may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ').collect();
    let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let memory = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    Usage { seconds: (ticks(11) + ticks(12)) / TICKS, memory: memory.unwrap_or(0.0) * 1024.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_memory_and_one_that_is_not_there_uses_nothing() {
        assert!(usage(std::process::id()).memory > 0.0);
        let nobody = usage(u32::MAX);
        assert!(nobody.memory == 0.0 && nobody.seconds == 0.0);
    }
}
