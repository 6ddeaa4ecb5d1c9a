//! What disks do to the files of a node: for tests that show that it is found.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::NatsServer;

/// Before the data of a record in a file of messages: its length, its sequence, its time, the length of its subject.
const RECORD_HEAD: usize = 22;
/// Behind it: a checksum.
const RECORD_TAIL: usize = 8;
/// Set in the length when there are headers.
const HAS_HEADERS: u32 = 1 << 31;

impl NatsServer {
    /// The folder in which it keeps a stream.
    ///
    /// # Panics
    /// When it keeps no such stream.
    #[must_use]
    pub fn stream_folder(&self, stream: &str) -> PathBuf {
        let accounts = self.folder().join("store/jetstream");
        let accounts = fs::read_dir(&accounts).expect("a store").flatten();
        let mut folders = accounts.map(|account| account.path().join("streams").join(stream));
        folders.find(|folder| folder.is_dir()).expect("it keeps the stream")
    }

    /// Flips one byte in the middle of the message that lies in the middle of a stream's first file; tells its sequence.
    ///
    /// # Panics
    /// When there is no such file.
    #[must_use]
    pub fn flip_a_byte(&self, stream: &str) -> u64 {
        let path = first_block(&self.stream_folder(stream));
        let mut bytes = fs::read(&path).expect("a readable file");
        let mut records = Vec::new();
        let mut at = 0;
        while let Some(head) = bytes.get(at..at + RECORD_HEAD) {
            let (length, rest) = head.split_first_chunk().expect("four bytes");
            let (sequence, _) = rest.split_first_chunk().expect("eight bytes");
            let (length, sequence) =
                (u32::from_le_bytes(*length) & !HAS_HEADERS, u64::from_le_bytes(*sequence));
            let length = usize::try_from(length).expect("small");
            records.push((at, length, sequence));
            at += length.max(1);
        }
        let (at, length, sequence) = *records.get(records.len() / 2).expect("there are messages");
        // The end of the payload, short of the checksum.
        *bytes.get_mut(at + length - RECORD_TAIL - 4).expect("a payload") ^= 0x40;
        fs::write(&path, bytes).expect("a writable file");
        sequence
    }

    /// Cuts a stream's first file in half.
    ///
    /// # Panics
    /// When there is no such file.
    pub fn cut_a_file(&self, stream: &str) {
        let path = first_block(&self.stream_folder(stream));
        let file = fs::File::options().write(true).open(&path).expect("a writable file");
        let length = file.metadata().expect("a file").len();
        file.set_len(length / 2).expect("a writable file");
    }
}

fn first_block(stream: &Path) -> PathBuf {
    let files = fs::read_dir(stream.join("msgs")).expect("a folder of messages").flatten();
    let blocks =
        files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|kind| kind == "blk"));
    let number = |path: &PathBuf| path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
    blocks.min_by_key(number).expect("a file of messages")
}
