//! The WebSocket protocol (RFC 6455), tested by a client that writes its own frames.
#![cfg(test)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Echoes every message; accepts no message of more than 1000 bytes.
const ECHO: &str = "create_server('s', 0, { host = '127.0.0.1', max_message = 1000 })
    handle_ws('s', '/', function(ws)
        while true do
            local message, kind = ws.receive()
            if message then ws.send(message, kind) else break end
        end
    end)
    print(start_server('s')) io.stdout:flush()";

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
const FIN: u8 = 0x80;

struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start() -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_solvm"));
        let mut process = command.args(["-e", ECHO]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Server { process, port: line.trim().parse().unwrap() }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    /// Opens a WebSocket.
    fn open(&self) -> Client {
        let mut stream = self.connect();
        stream.write_all(&handshake("GET", KEY_AND_VERSION)).unwrap();
        let (head, _) = read_head(&mut stream);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        // The example of the RFC, section 1.3.
        assert!(
            head.to_lowercase().contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
            "{head}"
        );
        Client(stream)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

const KEY_AND_VERSION: &str =
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

fn handshake(method: &str, fields: &str) -> Vec<u8> {
    format!(
        "{method} / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\n\
         Upgrade: WebSocket\r\n{fields}\r\n"
    )
    .into()
}

/// The header of a response, read byte by byte so that no data after it is lost.
fn read_head(stream: &mut TcpStream) -> (String, u16) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (head, status)
}

struct Client(TcpStream);

/// A frame of a client: masked.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x12, 0x34, 0x56, 0x78];
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..126 => bytes.push(0x80 | length as u8),
        length => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
    }
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

impl Client {
    fn send(&mut self, first: u8, payload: &[u8]) {
        self.0.write_all(&frame(first, payload)).unwrap();
    }

    /// The next frame: its opcode and its payload. Servers do not mask, and ours does not fragment.
    fn receive(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).unwrap();
        assert_eq!(head[0] & 0xF0, FIN);
        assert_eq!(head[1] & 0x80, 0, "masked");
        let length = match head[1] {
            126 => {
                let mut length = [0; 2];
                self.0.read_exact(&mut length).unwrap();
                usize::from(u16::from_be_bytes(length))
            }
            length => usize::from(length),
        };
        let mut payload = vec![0; length];
        self.0.read_exact(&mut payload).unwrap();
        (head[0] & 0x0F, payload)
    }

    /// The server closes with this code, and the connection ends.
    fn expect_close(mut self, code: u16) {
        let (opcode, payload) = self.receive();
        assert_eq!(opcode, CLOSE, "{payload:?}");
        let found = payload.get(..2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]));
        assert_eq!(found, Some(code));
        self.send(FIN | CLOSE, &code.to_be_bytes());
        assert_eq!(self.0.read(&mut [0]).unwrap_or(0), 0, "the connection goes on");
    }
}

#[test]
fn messages_come_back_as_they_were() {
    let server = Server::start();
    let mut client = server.open();
    let lengths = [0, 1, 125, 126, 127, 999, 1000];
    for length in lengths {
        let text = "x".repeat(length).into_bytes();
        for opcode in [TEXT, BINARY] {
            client.send(FIN | opcode, &text);
            assert_eq!(client.receive(), (opcode, text.clone()));
        }
    }
    client.send(FIN | TEXT, "κόσμε".as_bytes());
    assert_eq!(client.receive(), (TEXT, "κόσμε".into()));
}

#[test]
fn fragments_are_put_together_with_control_frames_between_them() {
    let server = Server::start();
    let mut client = server.open();
    client.send(TEXT, b"Hel");
    client.send(FIN | PING, b"are you there");
    assert_eq!(client.receive(), (PONG, b"are you there".to_vec()));
    client.send(0, b"");
    client.send(FIN | PONG, b"unasked");
    client.send(FIN, b"lo");
    assert_eq!(client.receive(), (TEXT, b"Hello".to_vec()));
    // A character may be split.
    client.send(TEXT, &[0xE2, 0x82]);
    client.send(FIN, &[0xAC]);
    assert_eq!(client.receive(), (TEXT, "€".into()));
    // Byte by byte, as networks may deliver it.
    for byte in frame(FIN | BINARY, b"slowly") {
        client.0.write_all(&[byte]).unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(client.receive(), (BINARY, b"slowly".to_vec()));
}

#[test]
fn what_breaks_the_protocol_ends_the_socket() {
    let server = Server::start();
    let cases: &[&[Vec<u8>]] = &[
        // Undefined opcodes.
        &[frame(FIN | 3, b"x")],
        &[frame(FIN | 7, b"")],
        &[frame(FIN | 11, b"")],
        // Bits for extensions that were not negotiated.
        &[frame(FIN | 0x40 | TEXT, b"x")],
        &[frame(FIN | 0x10 | TEXT, b"x")],
        // Without a mask.
        &[vec![FIN | TEXT, 1, b'x']],
        // Control frames in fragments, or too long.
        &[frame(PING, b"x")],
        &[frame(FIN | PING, &[b'x'; 126])],
        // A continuation without a start, and a new message within another one.
        &[frame(FIN, b"x")],
        &[frame(TEXT, b"x"), frame(FIN | TEXT, b"y")],
        // Invalid close frames.
        &[frame(FIN | CLOSE, &[3])],
        &[frame(FIN | CLOSE, &999u16.to_be_bytes())],
        &[frame(FIN | CLOSE, &1005u16.to_be_bytes())],
    ];
    for case in cases {
        let mut client = server.open();
        for bytes in *case {
            client.0.write_all(bytes).unwrap();
        }
        client.expect_close(1002);
    }
    // The server continues.
    let mut client = server.open();
    client.send(FIN | TEXT, b"still here");
    assert_eq!(client.receive(), (TEXT, b"still here".to_vec()));
}

#[test]
fn text_is_utf_8() {
    let server = Server::start();
    let wrong: &[&[u8]] =
        &[b"\xFF", b"ab\xC0\xAF", b"\xED\xA0\x80", b"\xF4\x90\x80\x80", b"\xE2\x82"];
    for text in wrong {
        let mut client = server.open();
        client.send(FIN | TEXT, text);
        client.expect_close(1007);
    }
    let mut client = server.open();
    client.send(FIN | BINARY, wrong[0]);
    assert_eq!(client.receive(), (BINARY, wrong[0].to_vec()));
}

#[test]
fn messages_over_the_limit_are_refused_before_they_have_come() {
    let server = Server::start();
    let mut client = server.open();
    client.send(FIN | TEXT, &[b'x'; 1001]);
    client.expect_close(1009);
    let mut client = server.open();
    client.send(TEXT, &[b'x'; 600]);
    client.send(FIN, &[b'x'; 401]);
    client.expect_close(1009);
    // 2^40 bytes are announced, none comes.
    let mut client = server.open();
    client.0.write_all(&[FIN | BINARY, 0x80 | 127, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4]).unwrap();
    client.expect_close(1009);
}

#[test]
fn a_close_is_answered() {
    let server = Server::start();
    for code in [1000, 1001, 1003, 3000, 4999u16] {
        let mut client = server.open();
        client.send(FIN | CLOSE, &[&code.to_be_bytes()[..], b"goodbye"].concat());
        let (opcode, payload) = client.receive();
        assert_eq!((opcode, &payload[..2]), (CLOSE, &code.to_be_bytes()[..]));
        assert_eq!(client.0.read(&mut [0]).unwrap(), 0, "the server ends the connection");
    }
    let mut client = server.open();
    client.send(FIN | CLOSE, b"");
    assert_eq!(client.receive().0, CLOSE);
}

#[test]
fn wrong_handshakes_are_refused() {
    let server = Server::start();
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (method, fields, status) in [
        ("GET", "Sec-WebSocket-Version: 13\r\n".to_string(), 400),
        ("GET", "Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13\r\n".to_string(), 400),
        ("GET", format!("{key}Sec-WebSocket-Version: 8\r\n"), 426),
        ("GET", key.to_string(), 426),
        ("POST", KEY_AND_VERSION.to_string(), 400),
    ] {
        let mut stream = server.connect();
        stream.write_all(&handshake(method, &fields)).unwrap();
        let (head, found) = read_head(&mut stream);
        assert_eq!(found, status, "{method} {fields} {head}");
        assert!(
            status != 426 || head.to_lowercase().contains("sec-websocket-version: 13\r\n"),
            "{head}"
        );
    }
}
