//! `Message`: bytes of one Protocol Buffers message, field by field (Protocol Buffers documentation, "Encoding"). `Fields`: those of
//! one that was received.

/// A message that is being written. What has its default value may be left out, and is by whoever writes it.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Wire type 0.
    pub(super) fn varint(&mut self, field: u32, value: u64) {
        self.tag(field, 0);
        self.raw(value);
    }

    /// Wire type 1.
    pub(super) fn fixed64(&mut self, field: u32, value: u64) {
        self.tag(field, 1);
        self.0.extend(value.to_le_bytes());
    }

    /// Wire type 5.
    pub(super) fn fixed32(&mut self, field: u32, value: u32) {
        self.tag(field, 5);
        self.0.extend(value.to_le_bytes());
    }

    /// Wire type 2: bytes, a text, or a message.
    pub(super) fn bytes(&mut self, field: u32, value: &[u8]) {
        self.tag(field, 2);
        self.raw(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    /// A message inside this one.
    pub(super) fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.bytes(field, &inner.0);
    }

    fn tag(&mut self, field: u32, wire_type: u32) {
        self.raw(u64::from(field << 3 | wire_type));
    }

    /// Seven bits a byte, the lowest first.
    fn raw(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// What a field of a message holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// Of wire type 0, 1 or 5.
    Number(u64),
    /// Of wire type 2: bytes, a text, or a message.
    Bytes(&'a [u8]),
}

/// The fields of a message, with their numbers; ends before whatever is no field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => Value::Number(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Number(u32::from_le_bytes(self.take(4)?.try_into().ok()?).into()),
            _ => return None,
        };
        Some((tag >> 3, value))
    }
}

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for at in 0..10 {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_what_is_cut_off_ends_it() {
        let mut message = Message::default();
        message.varint(1, 300);
        message.fixed64(2, u64::MAX);
        message.fixed32(3, 7);
        message.message(4, |inner| inner.bytes(1, b"text"));
        let bytes = message.into_bytes();
        let fields: Vec<_> = Fields(&bytes).collect();
        let inner = [b"\x0a\x04".as_slice(), b"text"].concat();
        assert_eq!(
            fields,
            [
                (1, Value::Number(300)),
                (2, Value::Number(u64::MAX)),
                (3, Value::Number(7)),
                (4, Value::Bytes(inner.as_slice())),
            ]
        );
        for length in 0..bytes.len() {
            assert!(Fields(&bytes[..length]).count() < 4);
        }
        assert_eq!(Fields(&[0xff; 20]).next(), None);
    }
}
