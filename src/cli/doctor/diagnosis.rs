use super::{
    check::{Check, Verdict},
    machine::{Answer, Data, Disk, Machine, Port, Program, System},
};
use crate::platform::Holder;
use crate::slug::Size;

/// The oldest git that keeps what is pushed apart until it was accepted.
const GIT: (u32, u32) = (2, 32);
const PYTHON: (u32, u32) = (3, 9);
/// With less than this free, deploys soon fail.
const LITTLE_SPACE: u64 = 5_000_000_000;
/// With less than this free, they fail.
const NO_SPACE: u64 = 500_000_000;
/// A platform with some apps has more files open than this under load.
const FEW_FILES: u64 = 4096;

impl Machine {
    /// What each finding means.
    pub(super) fn checks(&self) -> Vec<Check> {
        let mut checks = vec![self.git(), self.python(), self.engine(), self.data()];
        checks.extend(self.disks.iter().map(disk));
        checks.extend([self.open_files(), self.port(), self.platform()]);
        checks.extend(self.authority());
        checks.extend([self.to_come("Node.js", &self.node, "nodejs", "node", "https://nodejs.org")]);
        checks.extend([self.to_come("Go", &self.go, "golang-go", "go", "https://go.dev/dl")]);
        checks
    }

    /// How to install a package, by its names with Debian and with Homebrew.
    fn install(&self, debian: &str, mac: &str, elsewhere: &str) -> String {
        match self.system {
            System::Debian => format!("apt-get install {debian}"),
            System::MacOs => format!("brew install {mac}"),
            System::Other => format!("install {elsewhere} with the system's package manager"),
        }
    }

    fn git(&self) -> Check {
        let check = Check::ok("git", found(&self.git), "takes what is pushed with git");
        let remedy = self.install("git", "git", "git");
        match self.git {
            Program::Version(major, minor) if (major, minor) >= GIT => check,
            Program::Version(..) => check.but(Verdict::Missing, format!("2.32 or later is needed: {remedy}")),
            _ => check.but(Verdict::Missing, remedy),
        }
    }

    fn python(&self) -> Check {
        let check = Check::ok("Python", found(&self.python), "builds Python apps");
        let remedy = self.install("python3 python3-pip", "python", "Python 3.9 or later");
        match (&self.python, &self.pip) {
            (Program::Version(major, minor), _) if (*major, *minor) < PYTHON => {
                check.but(Verdict::Missing, format!("3.9 or later is needed: {remedy}"))
            }
            (Program::Version(..), Program::Version(..)) => {
                let found = format!("{}, with pip", check.found);
                Check { found, ..check }
            }
            (Program::Version(..), _) => {
                let check = Check { found: format!("{}, without pip", check.found), ..check };
                check.but(Verdict::Missing, self.install("python3-pip", "python", "pip for Python 3"))
            }
            _ => check.but(Verdict::Missing, remedy),
        }
    }

    fn engine(&self) -> Check {
        let purpose = "compiles and runs dynos";
        match &self.engine {
            Ok(took) => Check::ok("engine", format!("ran a program in {:.1} s", took.as_secs_f64()), purpose),
            Err(reason) => Check::ok("engine", reason, purpose).but(
                Verdict::Missing,
                "see that neither memory (ulimit -v, a container's limit) nor the number of processes is bounded too low",
            ),
        }
    }

    fn data(&self) -> Check {
        let purpose = "keeps ledger, keys and slugs";
        let found = |text: String| Check::ok("data", text, purpose);
        match &self.data {
            Data::NotThere(dir) => found(format!("{} is made by the first `hokku up`", dir.display())),
            Data::Held(dir, Holder::Nobody) => found(format!("{}, which no platform runs on", dir.display())),
            Data::Held(dir, Holder::Process(Some(process))) => {
                found(format!("{}, of the running process {process}", dir.display()))
            }
            Data::Held(dir, Holder::Process(None)) => {
                found(format!("{}, of a running process", dir.display()))
            }
            Data::Unusable(reason) => {
                let (what, remedy) =
                    reason.split_once("; ").unwrap_or((reason, "choose another with --data-dir"));
                found(what.to_owned()).but(Verdict::Missing, remedy)
            }
        }
    }

    fn open_files(&self) -> Check {
        let purpose = "one for each connection and more";
        match self.open_files {
            None => Check::ok("open files", "any number", purpose),
            Some(limit) if limit >= FEW_FILES => Check::ok("open files", format!("up to {limit}"), purpose),
            Some(limit) => Check::ok("open files", format!("up to {limit}"), purpose).but(
                Verdict::Warning,
                match self.system {
                    System::MacOs => "sudo launchctl limit maxfiles 65536 200000",
                    _ => "LimitNOFILE=65536 in the systemd unit, or `ulimit -Hn 65536` before `hokku up`",
                },
            ),
        }
    }

    fn port(&self) -> Check {
        let purpose = "where apps and the API answer";
        match self.port {
            Port::Free(port) => Check::ok("port", format!("{port} is free"), purpose),
            Port::Ours(port) => Check::ok("port", format!("{port} is this platform's"), purpose),
            Port::Taken(port) => Check::ok("port", format!("{port} is another program's"), purpose)
                .but(Verdict::Warning, "choose another: hokku up --listen localhost:8081"),
        }
    }

    fn platform(&self) -> Check {
        let purpose = "does what commands ask";
        let found = |text: String| Check::ok("platform", text, purpose);
        match &self.platform {
            Answer::Known { host, email } => found(format!("{host} knows you as {email}")),
            Answer::Silent { host } => found(format!("nobody answers at {host}"))
                .but(Verdict::Warning, "start one: hokku up; or name one: HOKKU_HOST"),
            Answer::Refused(reason) | Answer::Unclear(reason) => {
                let (what, remedy) =
                    reason.split_once(": ").unwrap_or((reason, "see HOKKU_HOST and HOKKU_API_KEY"));
                found(what.to_owned()).but(Verdict::Warning, remedy)
            }
        }
    }

    fn authority(&self) -> Option<Check> {
        let purpose = "signs the platform's certificates";
        Some(match self.authority.as_ref()? {
            Ok(file) => Check::ok("authority", file.display().to_string(), purpose),
            Err(reason) => Check::ok("authority", reason, purpose).but(
                Verdict::Missing,
                "restore the file from a backup, or remove it: the next start makes another",
            ),
        })
    }

    /// A program that a later buildpack will use.
    fn to_come(
        &self,
        name: &'static str,
        program: &Program,
        debian: &str,
        mac: &str,
        elsewhere: &str,
    ) -> Check {
        let check = Check::ok(name, found(program), "for a buildpack that is to come");
        if matches!(program, Program::Version(..)) {
            return check;
        }
        let how = match self.system {
            System::Other => format!("from {elsewhere}"),
            _ => self.install(debian, mac, elsewhere),
        };
        check.but(Verdict::Warning, format!("not needed yet; {how}"))
    }
}

fn found(program: &Program) -> String {
    match program {
        Program::Absent => "not found".to_owned(),
        Program::Broken(reason) => format!("does not run: {reason}"),
        Program::Version(major, minor) => format!("{major}.{minor}"),
    }
}

fn disk(disk: &Disk) -> Check {
    let dir = disk.dir.display();
    let check = |found: String| Check::ok(disk.name, found, disk.purpose);
    match disk.free {
        Ok(free) => {
            let check = check(format!("{} free in {dir}", Size(free)));
            match free {
                ..NO_SPACE => check.but(Verdict::Missing, "make room, or choose another directory"),
                NO_SPACE..LITTLE_SPACE => {
                    check.but(Verdict::Warning, "builds need some gigabytes: make room soon")
                }
                _ => check,
            }
        }
        Err(ref reason) => {
            check(format!("{dir}: {reason}")).but(Verdict::Missing, "choose a directory that you may use")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::command::report;
    use std::{path::PathBuf, time::Duration};

    fn well() -> Machine {
        Machine {
            system: System::Debian,
            git: Program::Version(2, 43),
            python: Program::Version(3, 11),
            pip: Program::Version(23, 0),
            node: Program::Version(22, 3),
            go: Program::Version(1, 24),
            engine: Ok(Duration::from_millis(240)),
            data: Data::Held("/home/ada/.local/share/hokku".into(), Holder::Process(Some(4711))),
            disks: vec![
                Disk {
                    name: "data disk",
                    purpose: "slugs, sources and outputs",
                    dir: "/home/ada/.local/share/hokku".into(),
                    free: Ok(81_200_000_000),
                },
                Disk {
                    name: "cache disk",
                    purpose: "toolchains and builds",
                    dir: "/home/ada/.cache/hokku".into(),
                    free: Ok(81_200_000_000),
                },
            ],
            open_files: Some(1_048_576),
            port: Port::Ours(8080),
            platform: Answer::Known { host: "http://localhost:8080".into(), email: "owner@localhost".into() },
            authority: Some(Ok("/home/ada/.local/share/hokku/tls/ca.pem".into())),
        }
    }

    /// Nothing that a platform needs.
    fn bare(system: System) -> Machine {
        Machine {
            system,
            git: Program::Absent,
            python: Program::Absent,
            pip: Program::Absent,
            node: Program::Absent,
            go: Program::Broken("killed by signal 9".into()),
            engine: Err("cannot reserve 4 GB of addresses".into()),
            data: Data::Unusable("the data directory /data was written by a newer hokku (format 2); upgrade this one, which was not allowed to touch it".into()),
            disks: vec![
                Disk { name: "data disk", purpose: "slugs, sources and outputs", dir: "/data".into(), free: Ok(100_000_000) },
                Disk { name: "cache disk", purpose: "toolchains and builds", dir: "/cache".into(), free: Err("permission denied".into()) },
            ],
            open_files: Some(256),
            port: Port::Taken(8080),
            platform: Answer::Refused("http://localhost:8080 wants a token: set HOKKU_API_KEY to a token".into()),
            authority: Some(Err("/data/tls/ca.pem is not a certificate".into())),
        }
    }

    fn told(machine: &Machine) -> String {
        report(&machine.checks()).join("\n")
    }

    #[test]
    fn a_machine_that_has_everything() {
        insta::assert_snapshot!(told(&well()));
    }

    #[test]
    fn a_machine_that_has_nothing() {
        insta::assert_snapshot!("debian", told(&bare(System::Debian)));
        insta::assert_snapshot!("macos", told(&bare(System::MacOs)));
        insta::assert_snapshot!("other", told(&bare(System::Other)));
    }

    #[test]
    fn what_is_old_or_low_or_not_there_yet() {
        let machine = Machine {
            git: Program::Version(2, 7),
            python: Program::Version(3, 8),
            data: Data::NotThere(PathBuf::from("/home/ada/.local/share/hokku")),
            disks: vec![Disk {
                name: "data disk",
                purpose: "slugs, sources and outputs",
                dir: "/home".into(),
                free: Ok(3_000_000_000),
            }],
            open_files: None,
            port: Port::Free(8080),
            platform: Answer::Silent { host: "http://localhost:8080".into() },
            authority: None,
            ..well()
        };
        insta::assert_snapshot!(told(&machine));
        let machine = Machine { python: Program::Version(3, 12), pip: Program::Absent, ..well() };
        assert_eq!(machine.checks()[1].found, "3.12, without pip");
        assert_eq!(machine.checks()[1].verdict, Verdict::Missing);
    }
}
