//! Certificates of X.509 version 1, which no library makes any more: those of version 3 without what that has more (RFC 5280 §4.1).
//! The signature is not theirs then. Who looks at the version first does not get so far.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const SEQUENCE: u8 = 0x30;
/// Fields that version 1 does not have: the number of the version, and the extensions.
const OF_LATER_VERSIONS: [u8; 2] = [0xa0, 0xa3];

/// The certificate (DER) as one of version 1, as PEM.
pub(crate) fn pem(certificate: &[u8]) -> String {
    let signed = fields(fields(certificate)[0].content);
    let kept = fields(signed[0].content).into_iter().filter(|field| !OF_LATER_VERSIONS.contains(&field.whole[0]));
    let mut all = sequence(&kept.map(|field| field.whole).collect::<Vec<_>>().concat());
    signed[1..].iter().for_each(|field| all.extend(field.whole));
    let text = STANDARD.encode(sequence(&all));
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("letters")).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// One field of DER: all of it, and what is in it.
struct Field<'a> {
    whole: &'a [u8],
    content: &'a [u8],
}

fn fields(mut bytes: &[u8]) -> Vec<Field<'_>> {
    let mut all = Vec::new();
    while let [_, first, ..] = bytes {
        // Above 127 it is the number of bytes that the length has.
        let more = usize::from(first.saturating_sub(0x80));
        let length = if *first < 0x80 {
            usize::from(*first)
        } else {
            bytes[2..2 + more].iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
        };
        let (whole, rest) = bytes.split_at(2 + more + length);
        all.push(Field { whole, content: &whole[2 + more..] });
        bytes = rest;
    }
    all
}

fn sequence(content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).expect("certificates are short").to_be_bytes();
    let length = match (high, low) {
        (0, 0..0x80) => vec![low],
        (0, _) => vec![0x81, low],
        _ => vec![0x82, high, low],
    };
    [&[SEQUENCE], &length[..], content].concat()
}
