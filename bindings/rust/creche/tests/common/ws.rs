//! The server's side of a WebSocket, small and honest.
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

fn sha1(text: &[u8]) -> [u8; 20] {
    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    let mut bytes = text.to_vec();
    bytes.push(0x80);
    while bytes.len() % 64 != 56 {
        bytes.push(0);
    }
    bytes.extend((8 * text.len() as u64).to_be_bytes());
    for block in bytes.chunks(64) {
        let mut words: Vec<u32> =
            block.chunks(4).map(|four| u32::from_be_bytes(four.try_into().unwrap())).collect();
        for at in 16..80 {
            let mixed = words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16];
            words.push(mixed.rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (round, word) in words.into_iter().enumerate() {
            let (mixed, constant) = match round / 20 {
                0 => ((b & c) | (!b & d), 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let sum =
                [mixed, e, constant, word].into_iter().fold(a.rotate_left(5), u32::wrapping_add);
            (a, b, c, d, e) = (sum, a, b.rotate_left(30), c, d);
        }
        for (sum, word) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(word);
        }
    }
    let mut digest = [0; 20];
    for (place, word) in digest.chunks_mut(4).zip(state) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    digest
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let all =
            three.iter().chain(&[0; 2]).take(3).fold(0, |all, byte| all << 8 | *byte as usize);
        for at in 0..4 {
            let letter = LETTERS[all >> (18 - 6 * at) & 63];
            text.push(if at > three.len() { '=' } else { letter.into() });
        }
    }
    text
}

/// One connection, after its handshake.
pub struct Peer {
    stream: TcpStream,
    /// What the client has asked.
    pub head: String,
}

impl Peer {
    fn accept(mut stream: TcpStream, more: &str) -> Peer {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let key = head.split_once("Sec-WebSocket-Key: ").unwrap().1.split_once("\r\n").unwrap().0;
        let key = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
        let accept = base64(&sha1(key.as_bytes()));
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{more}\r\n"
        );
        stream.write_all(answer.as_bytes()).unwrap();
        Peer { stream, head }
    }

    /// Sends a frame, of less than 64 KiB; its first byte says what it is.
    pub fn send(&mut self, first: u8, payload: &[u8]) {
        let mut frame = vec![first];
        match payload.len() {
            size @ 0..126 => frame.push(size as u8),
            size => {
                frame.push(126);
                frame.extend(u16::try_from(size).unwrap().to_be_bytes());
            }
        }
        frame.extend(payload);
        self.stream.write_all(&frame).unwrap();
    }

    /// Takes a frame; None: the client has gone.
    pub fn take(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut start = [0; 2];
        self.stream.read_exact(&mut start).ok()?;
        assert!(start[1] & 0x80 != 0, "it must be masked");
        let mut size = usize::from(start[1] & 0x7f);
        assert!(size < 127);
        if size == 126 {
            let mut long = [0; 2];
            self.stream.read_exact(&mut long).ok()?;
            size = u16::from_be_bytes(long).into();
        }
        let mut mask = [0; 4];
        self.stream.read_exact(&mut mask).ok()?;
        let mut payload = vec![0; size];
        self.stream.read_exact(&mut payload).ok()?;
        for (at, byte) in payload.iter_mut().enumerate() {
            *byte ^= mask[at % 4];
        }
        Some((start[0], payload))
    }

    /// Sends back what comes, the close, too.
    pub fn echo(&mut self) {
        while let Some((first, payload)) = self.take() {
            self.send(first, &payload);
            if first & 15 == 8 {
                return;
            }
        }
    }
}

/// A server of one connection, whose answer has `more` lines, each with its "\r\n".
pub fn serving<R: Send + 'static>(
    more: &'static str,
    script: impl FnOnce(Peer) -> R + Send + 'static,
) -> (String, JoinHandle<R>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/chat", listener.local_addr().unwrap());
    let server = thread::spawn(move || script(Peer::accept(listener.accept().unwrap().0, more)));
    (url, server)
}
