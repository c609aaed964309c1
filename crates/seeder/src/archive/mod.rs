//! The archive format of mongodump: documents keep their bytes, and what is damaged is found before it counts as read.
//!
//! An archive (version 0.1; the source is `common/archive` of <https://github.com/mongodb/mongo-tools>) is
//!
//! 1. the magic number `0x8199e26d`, little-endian;
//! 2. the prelude ([`prelude`]): a document about the archive, one for each namespace with its options and indexes as
//!    JSON ([`metadata`]), a terminator;
//! 3. blocks: a header that names a namespace, documents of it, a terminator. Namespaces are interleaved at will. The
//!    last block of each is a header with `EOF` and the CRC-64 of all its documents.
//!
//! A terminator is four bytes `ff`, where a document would begin with its length.
//!
//! - [`reader`]: `Archive`, the documents of one namespace; every namespace is checked.
//! - [`writer`]: the same the other way. `frame`: documents and terminators. `checksum`: the CRC-64.

pub(crate) mod checksum;
pub(crate) mod frame;
pub mod metadata;
pub mod prelude;
pub mod reader;
pub mod writer;

const TERMINATOR: [u8; 4] = [0xff; 4];
