use super::Listeners;
use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;
use std::{io, net::TcpListener};

/// Sockets that whoever started this process opened for it, as systemd does for a socket unit.
#[derive(Debug, Default)]
pub struct Inherited(Vec<TcpListener>);

/// A socket that was handed over is of no use here.
#[derive(Debug, thiserror::Error)]
#[error(
    "socket {number} of those that were handed over (LISTEN_FDS) cannot be used: {cause}; have ListenStream= with a port, and nothing else, in the socket unit"
)]
pub struct InheritedError {
    /// Which of them, from 1.
    number: usize,
    #[source]
    cause: io::Error,
}

impl Inherited {
    /// Takes the sockets that are meant for this process (`LISTEN_FDS` and `LISTEN_PID`); most have none. The variables
    /// are removed, so that no child believes that it has them: to be called once, before the process has threads.
    ///
    /// # Errors
    /// [`InheritedError`] for one that is no TCP socket, or does not listen.
    pub fn of_process() -> Result<Self, InheritedError> {
        let meant = std::env::var("LISTEN_PID").ok().and_then(|id| id.parse().ok());
        if meant != Some(std::process::id()) {
            return Ok(Self::default());
        }
        let mut handed_over = ListenFd::from_env();
        let count = handed_over.len();
        let take = |index| {
            let wrong = |cause| InheritedError { number: index + 1, cause };
            take(&mut handed_over, index).map_err(wrong)
        };
        (0..count).map(take).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sockets, for the runtime that this is called on.
    ///
    /// # Errors
    /// The system's.
    pub fn listen(self) -> io::Result<Listeners> {
        let mut listeners = Listeners { sockets: Vec::new(), ports: Vec::new() };
        for socket in self.0 {
            let port = socket.local_addr()?.port();
            // Several addresses of one port, as of IPv4 and IPv6, are one to who asks for ports.
            if !listeners.ports.contains(&port) {
                listeners.ports.push(port);
            }
            socket.set_nonblocking(true)?;
            listeners.sockets.push(tokio::net::TcpListener::from_std(socket)?);
        }
        Ok(listeners)
    }
}

fn take(handed_over: &mut ListenFd, index: usize) -> io::Result<TcpListener> {
    let refused = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, why);
    let socket = handed_over.take_tcp_listener(index)?.ok_or_else(|| refused("it is not there"))?;
    if !socket_acceptconn(&socket)? {
        return Err(refused("it does not listen"));
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sockets_become_listeners_with_their_ports() {
        let socket = || TcpListener::bind("127.0.0.1:0").expect("bound");
        let (first, second) = (socket(), socket());
        let ports = [&first, &second].map(|socket| socket.local_addr().expect("bound").port());
        let twin = first.try_clone().expect("cloned");
        let listeners = Inherited(vec![first, second, twin]).listen().expect("taken");
        assert_eq!((listeners.ports.as_slice(), listeners.sockets.len()), (ports.as_slice(), 3));
    }

    #[test]
    fn what_does_not_listen_is_told() {
        let error = InheritedError { number: 2, cause: io::Error::other("it does not listen") };
        insta::assert_snapshot!(error, @"socket 2 of those that were handed over (LISTEN_FDS) cannot be used: it does not listen; have ListenStream= with a port, and nothing else, in the socket unit");
    }
}
