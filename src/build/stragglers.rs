//! The processes of a build that left its process groups (`setsid`): found by the build's id in their
//! environment. A process that also wiped its environment is not found; that needs the jail.

/// Kills every process whose environment holds `REQUEST_ID=id`. Blocks while it looks through all processes.
#[cfg(target_os = "linux")]
pub(super) fn kill(id: &str) {
    /// One that starts others while we look may need another look.
    const LOOKS: usize = 10;
    for _ in 0..LOOKS {
        if !kill_those_found(id) {
            return;
        }
    }
}

/// Whether there were any.
#[cfg(target_os = "linux")]
fn kill_those_found(id: &str) -> bool {
    use rustix::process::{PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
    let marker = format!("REQUEST_ID={id}");
    let Ok(processes) = std::fs::read_dir("/proc") else { return false };
    let mut found = false;
    for process in processes.flatten() {
        let number = process.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(pid) = number.and_then(rustix::process::Pid::from_raw) else { continue };
        // First the handle, then the look: so it is the process looked at that is killed.
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
        let Ok(environment) = std::fs::read(process.path().join("environ")) else { continue };
        if environment.split(|byte| *byte == 0).any(|variable| variable == marker.as_bytes()) {
            found = true;
            pidfd_send_signal(&handle, Signal::KILL).ok(); // it may have ended meanwhile
        }
    }
    found
}

/// Elsewhere there is no `/proc`; process groups must do.
#[cfg(not(target_os = "linux"))]
pub(super) fn kill(_id: &str) {}
