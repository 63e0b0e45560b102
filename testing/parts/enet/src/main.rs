//! An ENet peer of another make for the tests: sends every message back, on its channel and as it came.
//!
//! `enet-echo server` prints the port it listens on; `enet-echo client PORT` connects to one of this machine. Each event is a line. A message
//! that begins with `end ` is not sent back: the rest is the reason with which the peer disconnects. Ends with its standard input.

use rusty_enet::{Event, Host, HostSettings, Packet, PacketKind};
use std::io::{Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

fn main() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let port: Option<u16> = match std::env::args().nth(1).as_deref() {
        Some("server") => None,
        Some("client") => std::env::args().nth(2).and_then(|port| port.parse().ok()),
        _ => panic!("server, or client PORT"),
    };
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    say(&format!("port {}", socket.local_addr().unwrap().port()));
    // As the clients: one peer, which sees the MTU of the original.
    let settings = HostSettings { peer_limit: if port.is_some() { 1 } else { 16 }, channel_limit: 3, ..Default::default() };
    let mut host = Host::new(socket, settings).unwrap();
    if let Some(port) = port {
        host.connect(SocketAddr::from(([127, 0, 0, 1], port)), 3, 42).unwrap();
    }
    loop {
        while let Some(event) = host.service().unwrap() {
            match event {
                Event::Connect { data, .. } => say(&format!("connect {data}")),
                Event::Disconnect { data, .. } => say(&format!("disconnect {data}")),
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
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn say(line: &str) {
    println!("{line}");
    let _ = std::io::stdout().flush();
}
