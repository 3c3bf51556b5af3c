//! A server process that outlives the command that started it, recorded in a folder.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// How long a server may take to end by itself.
const FAREWELL: Duration = Duration::from_secs(15);

/// Lines of a log that are shown when a server fails.
const LAST_LINES: usize = 20;

/// A server whose process id, port and log are files of one folder.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    folder: PathBuf,
}

impl ServerProcess {
    /// The server that is recorded in this folder, running or not.
    pub(crate) fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The port that it was started on, `None` when it does not run.
    pub(crate) fn port(&self) -> Result<Option<u16>> {
        if self.pid()?.is_none() {
            return Ok(None);
        }
        let port = std::fs::read_to_string(self.folder.join("port"));
        Ok(Some(port.context("cannot read the port of a server")?.parse()?))
    }

    /// Starts it in an emptied folder and records it. `command` gets the port.
    pub(crate) fn spawn(&self, port: u16, command: &mut Command) -> Result<()> {
        if self.folder.try_exists()? {
            std::fs::remove_dir_all(&self.folder).context("cannot remove old data")?;
        }
        std::fs::create_dir_all(&self.folder)?;
        let log = File::create(self.log())?;
        let both = log.try_clone()?;
        let child = command.stdin(Stdio::null()).stdout(log).stderr(both).spawn();
        let id = child.context("cannot start a server")?.id();
        let born = birth(id)?.context("a server ended at once")?;
        std::fs::write(self.folder.join("port"), port.to_string())?;
        std::fs::write(self.folder.join("pid"), format!("{id} {born}"))?;
        Ok(())
    }

    /// Asks `answers` until it says yes; fails when the process ends or time runs out.
    pub(crate) fn wait(&self, patience: Duration, answers: impl Fn(u16) -> bool) -> Result<u16> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            let Some(port) = self.port()? else {
                bail!("the server ended: {}", self.last_lines());
            };
            if answers(port) {
                return Ok(port);
            }
            sleep(Duration::from_millis(100));
        }
        bail!("the server did not answer in {} s: {}", patience.as_secs(), self.last_lines())
    }

    /// Ends it, by force if asking does not help.
    pub(crate) fn stop(&self) -> Result<()> {
        let deadline = Instant::now() + FAREWELL;
        let mut signal = "-TERM";
        while let Some(pid) = self.pid()? {
            if signal == "-TERM" || Instant::now() > deadline {
                // The process may end by itself in between: the next look tells.
                Command::new("kill").args([signal, &pid.to_string()]).output()?;
                signal = "-KILL";
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// The process, if it is still the one that was started: ids are used again.
    fn pid(&self) -> Result<Option<u32>> {
        let text = match std::fs::read_to_string(self.folder.join("pid")) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).context("cannot read the process id of a server"),
        };
        let (id, born) = text.split_once(' ').context("the record of a server is damaged")?;
        let id = id.parse()?;
        Ok((birth(id)?.as_deref() == Some(born)).then_some(id))
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn last_lines(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }
}

/// When a process began, in the system's ticks; `None` when there is none or it has ended.
fn birth(id: u32) -> Result<Option<String>> {
    let stat = match std::fs::read_to_string(format!("/proc/{id}/stat")) {
        Ok(stat) => stat,
        Err(_) if Path::new("/proc/self/stat").try_exists()? => return Ok(None),
        Err(error) => return Err(error).context("the services need Linux's /proc"),
    };
    // The name may contain anything; after it come the state and, 19 fields later, the start.
    let after_name = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ended = matches!(fields.first(), None | Some(&"Z" | &"X"));
    Ok(fields.get(19).filter(|_| !ended).map(|&born| born.to_owned()))
}

/// A port of the loopback address that nobody uses now.
pub(crate) fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> Command {
        let mut command = Command::new("sleep");
        command.arg("600");
        command
    }

    #[test]
    fn a_server_is_found_again_by_its_record_and_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let server = ServerProcess::in_folder(folder.path().join("server"));
        assert_eq!(server.port().unwrap(), None);
        server.spawn(4711, &mut sleeper()).unwrap();
        let again = ServerProcess::in_folder(server.folder());
        assert_eq!(again.port().unwrap(), Some(4711));
        assert_eq!(again.wait(Duration::from_secs(5), |port| port == 4711).unwrap(), 4711);
        again.stop().unwrap();
        assert_eq!(again.port().unwrap(), None);
        again.stop().unwrap();
    }

    #[test]
    fn another_process_with_the_same_id_is_not_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let server = ServerProcess::in_folder(folder.path());
        let own = std::process::id();
        std::fs::write(folder.path().join("pid"), format!("{own} 1")).unwrap();
        assert_eq!(server.port().unwrap(), None);
    }

    #[test]
    fn a_server_that_ends_shows_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let server = ServerProcess::in_folder(folder.path().join("server"));
        server.spawn(1, Command::new("sh").args(["-c", "sleep 0.2; echo no such option"])).unwrap();
        let error = server.wait(Duration::from_secs(10), |_| false).unwrap_err();
        assert!(error.to_string().contains("no such option"), "{error}");
    }
}
