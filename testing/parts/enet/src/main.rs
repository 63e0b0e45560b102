//! An ENet peer of another make for the tests: sends every message back, on its channel and as it came. It has no sockets and no clock.
//!
//! `enet-echo server` waits for connections, `enet-echo client` opens one. A line of its input is a moment: the time in milliseconds, and the
//! datagrams that have arrived, in hexadecimal digits. It answers with a line for each event, `> ` and a datagram for each that it sends, and
//! a dot. A message that begins with `end ` is not sent back: the rest is the reason with which the peer disconnects.

use rusty_enet::{Event, Host, HostSettings, Packet, PacketKind, PacketReceived, Socket, MTU_MAX};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::io::{BufRead, Write};
use std::rc::Rc;
use std::time::Duration;

/// A link to the only other host there is.
#[derive(Clone, Default)]
struct Link {
    arrived: Rc<RefCell<VecDeque<Vec<u8>>>>,
    sent: Rc<RefCell<Vec<Vec<u8>>>>,
}

impl Socket for Link {
    type Address = ();
    type Error = Infallible;

    fn send(&mut self, _: (), bytes: &[u8]) -> Result<usize, Infallible> {
        self.sent.borrow_mut().push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn receive(&mut self, buffer: &mut [u8; MTU_MAX]) -> Result<Option<((), PacketReceived)>, Infallible> {
        Ok(self.arrived.borrow_mut().pop_front().map(|bytes| {
            buffer[..bytes.len()].copy_from_slice(&bytes);
            ((), PacketReceived::Complete(bytes.len()))
        }))
    }
}

fn main() {
    let is_client = match std::env::args().nth(1).as_deref() {
        Some("server") => false,
        Some("client") => true,
        _ => panic!("server or client"),
    };
    let link = Link::default();
    let now = Rc::new(Cell::new(0));
    let mut host = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let mut words = line.split(' ');
        now.set(words.next().unwrap().parse().unwrap());
        link.arrived.borrow_mut().extend(words.map(bytes_of));
        let mut answer = String::new();
        // Made at the first moment: a host takes the time when it is made.
        let host = host.get_or_insert_with(|| {
            let clock = now.clone();
            let settings = HostSettings {
                // As the clients: one peer, which sees the MTU of the original.
                peer_limit: if is_client { 1 } else { 16 },
                channel_limit: 3,
                time: Box::new(move || Duration::from_millis(clock.get())),
                seed: Some(1),
                ..Default::default()
            };
            let mut host = Host::new(link.clone(), settings).unwrap();
            if is_client {
                host.connect((), 3, 42).unwrap();
            }
            host
        });
        while let Some(event) = host.service().unwrap() {
            match event {
                Event::Connect { data, .. } => writeln!(answer, "connect {data}").unwrap(),
                Event::Disconnect { data, .. } => writeln!(answer, "disconnect {data}").unwrap(),
                Event::Receive { peer, channel_id, packet } => match packet.data().strip_prefix(b"end ") {
                    Some(reason) => peer.disconnect(String::from_utf8_lossy(reason).parse().unwrap()),
                    None => {
                        let kind = match packet.kind() {
                            PacketKind::Unreliable { sequenced } => PacketKind::AlwaysUnreliable { sequenced },
                            kind => kind,
                        };
                        let _ = peer.send(channel_id, &Packet::new(packet.data(), kind));
                    }
                },
            }
        }
        for bytes in link.sent.borrow_mut().drain(..) {
            answer.push_str("> ");
            bytes.iter().for_each(|byte| write!(answer, "{byte:02x}").unwrap());
            answer.push('\n');
        }
        answer.push_str(".\n");
        let mut out = std::io::stdout().lock();
        out.write_all(answer.as_bytes()).unwrap();
        out.flush().unwrap();
    }
}

fn bytes_of(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}
